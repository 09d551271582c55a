#include <chrono>
#include <cmath>
#include <tuple>

#include "base/interrupt.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/session.h"
#include "io/array_file.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/hardware_words.h"
#include "lab/plots/svg_plot.h"
#include "lab/results/scaled_group.h"
#include "lab/study/check_methods.h"
#include "lab/study/dry_run.h"
#include "lab/study/placement.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Searches the layers and sizes of CorrectNet's compensators: finds candidate layers, then searches over ratios, using validation images
and selection chips (never the test set or the reported chips). [search] says how; [methods.compensation] and
[methods.penalty] say what is trained. Writes DIR/results.h5 (/search, /pareto, /pareto_macs, /placement), which `[methods.compensation] placement =
"DIR/results.h5"` reads, and plots of the Pareto fronts against weights and multiply-accumulates.

Example:
  ohmic search data/experiments/correctnet_lenet5_fashion.toml -o placement
)";

/// One search of the given kind, its progress on the terminal.
rl::SearchResult search_by(const std::string& algorithm, const rl::Problem& problem,
                           const SearchParams& params) {
  const RandomStream stream(static_cast<std::uint64_t>(params.seed));
  if (algorithm == "random")
    return rl::random_search(problem, params.learner.evaluations, stream, 0);
  if (algorithm == "greedy") return rl::greedy_search(problem, params.learner.evaluations);
  if (algorithm == "exhaustive") return rl::exhaustive_search(problem, problem.space_size());
  return rl::reinforce(problem, params.learner, stream, 0);
}

std::string words_of(const std::vector<nn::Placement>& placements) {
  std::string words;
  for (const nn::Placement& p : placements)
    words += (words.empty() ? "" : ", ") + p.layer + " " + shortest(p.ratio);
  return words;
}

/// Evaluations as a group of the file, numbered along `along`.
void write_evaluations(h5::Writer& out, const std::string& path, const char* along,
                       const PlacementProblem& problem, const std::vector<rl::Evaluation>& all) {
  std::vector<double> ratio, accuracy, weights, macs, reward;
  std::vector<std::int64_t> action;
  for (const rl::Evaluation& one : all) {
    for (const nn::Placement& p : problem.placements(one.action)) ratio.push_back(p.ratio);
    for (const int option : one.action) action.push_back(option);
    accuracy.push_back(one.outcome.evaluated ? one.outcome.accuracy
                                             : std::numeric_limits<double>::quiet_NaN());
    weights.push_back(one.outcome.overhead);
    macs.push_back(one.outcome.macs);
    reward.push_back(one.outcome.reward);
  }
  ScaledGroup group(out, "search", path);
  group.count(along, static_cast<Index>(all.size()));
  group.axis("layer", problem.candidates());
  group.write("action", action);
  group.write("ratio", ratio);
  group.write("accuracy", accuracy);
  group.write("overhead", weights);
  group.write("overhead_macs", macs);
  group.write("reward", reward);
}

/// Accuracy against one overhead: what was evaluated, and the front.
Plot front_plot(const std::vector<rl::Evaluation>& all, const std::vector<rl::Evaluation>& best,
                const std::string& label, double rl::Outcome::*overhead) {
  Plot plot{.title = "Placements: accuracy against overhead (validation images, selection chips)",
            .x_label = label,
            .y_label = "accuracy (%)",
            .series = {}};
  PlotSeries dots{.name = "evaluated", .x = {}, .y = {}, .low = {}, .high = {}, .joined = false};
  PlotSeries front{.name = "Pareto front", .x = {}, .y = {}, .low = {}, .high = {}};
  const auto add = [&](PlotSeries& series, const rl::Evaluation& one) {
    series.x.push_back(100 * one.outcome.*overhead);
    series.y.push_back(100 * one.outcome.accuracy);
  };
  for (const rl::Evaluation& one : all)
    if (one.outcome.evaluated) add(dots, one);
  for (const rl::Evaluation& one : best) add(front, one);
  plot.series = {std::move(dots), std::move(front)};
  return plot;
}

void write_search(const Session& session, const nn::Network& network,
                  const PlacementProblem& problem, const VariationProfile& profile,
                  const rl::SearchResult& result, const Provenance& provenance) {
  h5::Writer out(session.file);
  write_header(out, session.experiment, session.identity, provenance);
  write_evaluations(out, "/search", "evaluation", problem, result.history);
  for (const auto& [name, label, overhead] :
       {std::tuple("pareto", "compensator weights (% of the network's)", &rl::Outcome::overhead),
        std::tuple("pareto_macs", "compensator multiply-accumulates (% of the network's)",
                   &rl::Outcome::macs)}) {
    const auto front = rl::pareto_front(result.history, overhead);
    write_evaluations(out, std::string("/") + name, "point", problem, front);
    write_whole_file(session.folder / (std::string(name) + ".svg"),
                     to_svg(front_plot(result.history, front, label, overhead)));
  }
  std::vector<std::string> layers;
  std::vector<double> ratios;
  for (const nn::Placement& p : problem.placements(result.best.action)) {
    if (p.ratio == 0) continue;
    layers.push_back(p.layer);
    ratios.push_back(p.ratio);
  }
  ScaledGroup placement(out, "search", "/placement");
  placement.axis("layer", layers);
  placement.write("ratio", ratios);
  std::vector<std::string> mac_layers;
  for (const Index layer : network.mac_layers()) mac_layers.push_back(network.name(layer));
  ScaledGroup candidates(out, "search", "/candidates");
  candidates.axis("layer", mac_layers);
  candidates.write("from_layer_on", profile.from_layer_on);
  candidates.write("only_layer", profile.only_layer);
  out.commit();  // last: results that are there say that the search is done
}

int print_dry_run(const Session& session, const nn::Network& network, const WorkEstimate& work,
                  const Console& console) {
  const Experiment& experiment = session.experiment;
  const SearchParams& search = experiment.search;
  const double space = std::pow(static_cast<double>(search.ratios.size()),
                                static_cast<double>(search.layers.size()));
  console.print("{} search, {} evaluation of actions; {}\n", search.algorithm, search.evaluation,
                search.layers.empty()
                    ? "candidates are found first"
                    : fmt::format("{} placements", static_cast<std::int64_t>(space)));
  // An epoch of compensators costs about one of the base network.
  const double an_epoch = work.training_seconds / static_cast<double>(std::max<std::int64_t>(
                                                      experiment.training.epochs, 1));
  const auto layers = static_cast<double>(search.layers.empty() ? placement_layers(network).size()
                                                                : search.layers.size());
  const auto evaluations = static_cast<double>(search.learner.evaluations);
  const double epochs =
      static_cast<double>(search.epochs) * (search.evaluation == "shared" ? layers : evaluations);
  const double images = static_cast<double>(search.images) /
                        static_cast<double>(std::max<Index>(session.data.test.size(), 1));
  print_work(console, session.folder.string(), work.training_seconds + epochs * an_epoch,
             work.chip_seconds * images * static_cast<double>(search.chips) * evaluations,
             work.memory_bytes, work.disk_bytes);
  return 0;
}

/// The images that compensators are trained on while a search judges them, and a digest of their
/// own.
nn::Data training_images_of(const Session& session) {
  const std::int64_t images = session.experiment.search.train_images;
  nn::Data fewer = session.data;
  if (images > 0) fewer.train = session.data.train.first(images);
  const std::string words = " first " + std::to_string(images);
  fewer.digest += words;
  fewer.training_digest += words;
  return fewer;
}

void print_profile(const Session& session, const nn::Network& network,
                   const VariationProfile& profile, const Console& console) {
  console.print(
      "clean accuracy {} % on {} validation images\n", per_cent(profile.clean_accuracy),
      grouped(std::min<Index>(session.experiment.search.images, session.data.validation.size())));
  for (std::size_t k = 0; k < profile.only_layer.size(); ++k)
    console.print("  {:<{}} variation from here on {} %, here only {} %\n",
                  network.name(network.mac_layers()[k]), name_column(network),
                  per_cent(profile.from_layer_on[k]), per_cent(profile.only_layer[k]));
}

/// The problem's placements, each measured once whoever asks, and told when it is.
rl::Problem told_once(const PlacementProblem& placement, rl::CachedProblem& cached,
                      const rl::Problem& problem, const Console& console) {
  return {.choices = problem.choices,
          .evaluate = [&placement, &cached, &console,
                       measured = std::int64_t{0}](const rl::Action& action) mutable {
            const bool is_new = !cached.is_known(action);
            const rl::Outcome& outcome = cached.evaluate(action);
            if (is_new)
              console.say(
                  "{:4} {:<40} weights {:6} %, MACs {:6} %, {}, reward {:.4f}\n", ++measured,
                  words_of(placement.placements(action)), per_cent(outcome.overhead),
                  per_cent(outcome.macs),
                  outcome.evaluated ? per_cent(outcome.accuracy) + " %" : "beyond the limit",
                  outcome.reward);
            return outcome;
          }};
}

/// The search that the config names and, where it asks for them, others beside it, a line each.
rl::SearchResult search_and_print(const SearchParams& params, const rl::Problem& problem,
                                  const PlacementProblem& placement, const Console& console) {
  rl::SearchResult result = search_by(params.algorithm, problem, params);
  console.print("{:<12} {:>11} {:>9} {:>9} {:>10} {:>10}  {}\n", "search", "evaluations", "reward",
                "accuracy", "weights", "MACs", "placement");
  const auto print = [&](const std::string& name, const rl::SearchResult& r) {
    console.print("{:<12} {:>11} {:>9.4f} {:>8} % {:>8} % {:>8} %  {}\n", name, r.history.size(),
                  r.best.outcome.reward, per_cent(r.best.outcome.accuracy),
                  per_cent(r.best.outcome.overhead), per_cent(r.best.outcome.macs),
                  words_of(placement.placements(r.best.action)));
  };
  print(params.algorithm, result);
  constexpr std::int64_t kExhaustible = 256;
  if (params.exhaustive_too)
    for (const std::string other : {"random", "greedy", "exhaustive"}) {
      if (other == params.algorithm) continue;
      if (other == "exhaustive" && problem.space_size() > kExhaustible) continue;
      print(other, search_by(other, problem, params));
    }
  return result;
}

int search_command(const CommonOptions& options, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  const Session session = open_session(options, "search");
  const Experiment& experiment = session.experiment;
  if (session.is_done) {
    console.print("{} is done already (the same config); --force searches again\n",
                  session.file.string());
    return 0;
  }
  if (session.data.validation.size() == 0)
    fail_key(experiment, "data.validation",
             "search: there are no validation images to choose on; set data.validation above 0");
  const nn::Network described =
      described_network(experiment, session.data.shape(), session.data.classes());
  check_search(experiment, described, session.data);
  const WorkEstimate work = estimate_work(experiment, described, session.data, false);
  if (options.dry_run) return print_dry_run(session, described, work, console);
  refuse_beyond_memory(work, experiment);
  const InterruptWatch watch;
  const auto held = session.begin(options, console);
  tell(session.notes, console);
  const TrainingSetting setting = session.training(options, console);
  const PreparedMethod base = prepare_method(setting, experiment.methods.parse("penalty"));
  const nn::Network& network = base.trained.network;
  const VariationProfile profile = variation_profile(setting, base);
  print_profile(session, network, profile, console);

  const nn::Data fewer = training_images_of(session);
  const TrainingSetting brief{.experiment = experiment,
                              .data = fewer,
                              .use_cache = !options.no_cache,
                              .folder = session.folder,
                              .console = console};
  std::vector<std::string> dropped;
  PlacementProblem placement(brief, base, candidate_layers(brief, base, profile, dropped),
                             profile.clean_accuracy);
  for (const std::string& layer : dropped)
    console.print(
        "  {} is not a candidate: its smallest compensator exceeds a limit of the overhead\n",
        layer);
  const rl::Problem problem = placement.problem();
  rl::CachedProblem cached(problem);
  const rl::SearchResult result = search_and_print(
      experiment.search, told_once(placement, cached, problem, console), placement, console);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_search(session, network, placement, profile, result,
               {.command = options.command_line, .wall_seconds = seconds});
  console.print("\nplacement in {}; {:.1f} s for the {} search\n", session.file.string(), seconds,
                experiment.search.algorithm);
  return 0;
}

}  // namespace

void add_search_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("search", "place CorrectNet's compensators");
  command->footer(kHelp);
  add_common_options(*command, options, true);
  command->callback(
      [&] { action = [&](Console& console) { return search_command(options, console); }; });
}

}  // namespace ohmic::lab
