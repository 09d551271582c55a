#include "lab/study/placement.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/interrupt.h"
#include "base/statistics.h"
#include "io/digest.h"
#include "io/h5.h"
#include "lab/study/chip_loop.h"

namespace ohmic::lab {
namespace {

/// Images and chips of the search.
ChipRun selection_run(const TrainingSetting& s) {
  return {.population = devices::Population::selection,
          .chips = s.experiment.search.chips,
          .images = s.data.validation.first(s.experiment.search.images)};
}

/// Mean accuracy of selection chips on which only the layers in `is_analog` are made of cells.
double partial_accuracy(const TrainingSetting& s, const MethodChips& chips,
                        const PreparedMethod& base, const std::vector<bool>& is_analog) {
  const ChipRun run = selection_run(s);
  std::vector<double> accuracy;
  for (Index c = 0; c < run.chips; ++c) {
    stop_if_interrupted(
        "interrupted; the same command starts the search again, trainings are kept");
    Chip chip = chips.make(c, 0, chips.as_configured());
    for (std::size_t k = 0; k < is_analog.size(); ++k)
      if (!is_analog[k]) chip.deployment.macs[k] = nullptr;
    accuracy.push_back(evaluate_chip(base.trained.network, chip.parameters, run.images,
                                     s.data.normalisation, chip.deployment, chips.reader(c, 0, 0),
                                     s.experiment.evaluation.batch)
                           .accuracy);
  }
  return mean_of(accuracy);
}

/// Options of one placement, trained for so many epochs.
CompensationOptions placed_options(CompensationOptions o, const std::vector<nn::Placement>& placed,
                                   Index epochs) {
  o.layers.clear();
  o.ratios.clear();
  for (const nn::Placement& p : placed) {
    o.layers.push_back(p.layer);
    o.ratios.push_back(p.ratio);
  }
  o.placement.clear();
  o.overhead_limit = o.overhead_limit_macs = 1e9;  // the reward judges the overhead
  o.epochs = epochs;
  return o;
}

}  // namespace

rl::Added added_by(const nn::Network& network, const std::vector<nn::Placement>& placements,
                   const nn::CompensatorStyle& style, const nn::Overhead& whole) {
  const nn::Overhead overhead =
      nn::compensator_overhead(nn::with_compensators(network, placements, style));
  return {static_cast<double>(overhead.weights) / static_cast<double>(whole.weights),
          static_cast<double>(overhead.macs) / static_cast<double>(whole.macs)};
}

rl::RewardRule reward_rule(const CompensationOptions& options, const SearchParams& search,
                           double clean_accuracy) {
  return {.clean_accuracy = clean_accuracy,
          .overhead_limit = options.overhead_limit,
          .macs_limit = options.overhead_limit_macs,
          .kappa = search.kappa};
}

VariationProfile variation_profile(const TrainingSetting& s, const PreparedMethod& base) {
  const MethodChips chips(base, s.experiment, s.data, devices::Population::selection);
  VariationProfile profile;
  profile.clean_accuracy = nn::evaluate(base.trained.network, base.trained.parameters,
                                        selection_run(s).images, s.data.normalisation)
                               .accuracy;
  const std::size_t layers = base.trained.network.mac_layers().size();
  for (std::size_t i = 0; i < layers; ++i) {
    std::vector<bool> from(layers, false), only(layers, false);
    std::fill(from.begin() + static_cast<Index>(i), from.end(), true);
    only[i] = true;
    profile.from_layer_on.push_back(partial_accuracy(s, chips, base, from));
    profile.only_layer.push_back(partial_accuracy(s, chips, base, only));
  }
  return profile;
}

std::vector<std::string> candidate_layers(const TrainingSetting& s, const PreparedMethod& base,
                                          const VariationProfile& profile,
                                          std::vector<std::string>& dropped) {
  const nn::Network& network = base.trained.network;
  const SearchParams& search = s.experiment.search;
  std::vector<std::string> candidates = search.layers;
  if (candidates.empty()) {
    std::size_t first = profile.from_layer_on.size();
    for (std::size_t i = 0; i < profile.from_layer_on.size(); ++i)
      if (profile.from_layer_on[i] >= search.candidate_threshold * profile.clean_accuracy) {
        first = i;
        break;
      }
    // Layers before the first product that needs none, pooling among them.
    const std::string end =
        first < profile.from_layer_on.size() ? network.name(network.mac_layers()[first]) : "";
    for (const std::string& layer : placement_layers(network)) {
      if (layer == end) break;
      candidates.push_back(layer);
    }
  }
  const double smallest = smallest_ratio(search);
  const auto options = options_of<CompensationOptions>(s.experiment.methods, "compensation");
  const rl::RewardRule rule = reward_rule(options, search, profile.clean_accuracy);
  std::vector<std::string> kept;
  for (const std::string& layer : candidates) {
    const rl::Added added =
        added_by(network, {{layer, smallest}}, options.style, {base.base_weights, base.base_macs});
    (rule.spent(added) <= 1 ? kept : dropped).push_back(layer);
  }
  if (kept.empty())
    throw ConfigError(
        fmt::format("no placement meets methods.compensation.overhead_limit = {} and "
                    "overhead_limit_macs = {}: even the smallest ratio {} on one layer is more",
                    shortest(options.overhead_limit), shortest(options.overhead_limit_macs),
                    shortest(smallest)));
  return kept;
}

PlacementProblem::PlacementProblem(const TrainingSetting& setting, const PreparedMethod& base,
                                   std::vector<std::string> candidates, double clean_accuracy)
    : setting_(setting),
      base_(base),
      candidates_(std::move(candidates)),
      options_(options_of<CompensationOptions>(setting.experiment.methods, "compensation")),
      rule_(reward_rule(options_, setting.experiment.search, clean_accuracy)) {}

rl::Problem PlacementProblem::problem() {
  return {.choices = std::vector<int>(candidates_.size(),
                                      static_cast<int>(setting_.experiment.search.ratios.size())),
          .evaluate = [this](const rl::Action& action) {
            stop_if_interrupted(
                "interrupted; the same command starts the search again, trainings are kept");
            return rule_.judge(overhead(action), [&] {
              return setting_.experiment.search.evaluation == "shared"
                         ? shared_accuracy(action)
                         : individual_accuracy(action);
            });
          }};
}

std::vector<nn::Placement> PlacementProblem::placements(const rl::Action& action) const {
  std::vector<nn::Placement> out;
  for (std::size_t d = 0; d < action.size(); ++d)
    out.push_back(
        {candidates_[d], setting_.experiment.search.ratios[static_cast<std::size_t>(action[d])]});
  return out;
}

rl::Added PlacementProblem::overhead(const rl::Action& action) const {
  return added_by(base_.trained.network, placements(action), options_.style,
                  {base_.base_weights, base_.base_macs});
}

double PlacementProblem::accuracy_of(const nn::TrainedNetwork& compensated) const {
  PreparedMethod method = base_;
  method.trained = compensated;
  method.set.parts.push_back(compensation(options_));
  Console quiet{setting_.console.out, setting_.console.log, true};
  return mean_of(
      chip_accuracies(method, setting_.experiment, setting_.data, selection_run(setting_), quiet));
}

double PlacementProblem::individual_accuracy(const rl::Action& action) {
  const std::vector<nn::Placement> placed = placements(action);
  if (std::all_of(placed.begin(), placed.end(), [](const auto& p) { return p.ratio == 0; }))
    return accuracy_of(base_.trained);
  NetworkOrigin origin;
  const CompensationOptions options =
      placed_options(options_, placed, setting_.experiment.search.epochs);
  return accuracy_of(
      train_further(setting_, base_.trained,
                    compensator_training(base_.trained, options, training_aid(setting_)), origin));
}

double PlacementProblem::shared_accuracy(const rl::Action& action) {
  if (!shared_) train_shared();
  const nn::Network network =
      nn::with_compensators(base_.trained.network, placements(action), options_.style);
  return accuracy_of({network, sliced_parameters(*shared_, network)});
}

void PlacementProblem::train_shared() {
  const auto& ratios = setting_.experiment.search.ratios;
  const auto largest =
      static_cast<int>(std::max_element(ratios.begin(), ratios.end()) - ratios.begin());
  const std::vector<nn::Placement> placed = placements(rl::Action(candidates_.size(), largest));
  const nn::TrainedNetwork& base = base_.trained;
  const nn::Network network = nn::with_compensators(base.network, placed, options_.style);
  // Every step trains one random placement: generator filters beyond its ratio are masked, and a
  // compensator of ratio 0 is transparent.
  const RandomStream stream(static_cast<std::uint64_t>(setting_.experiment.search.seed));
  const auto mask = [&](const TrainingDraw& draw, nn::ParameterSet<float>& effective,
                        nn::ParameterSet<float>& derivative) {
    std::vector<double> u(candidates_.size());
    stream.uniforms(
        training_address(Purpose::compensator_noise, {.part = Purpose::policy, .step = draw.step}),
        0, u);
    std::size_t d = 0;
    for (Index l = 0; l < network.layers(); ++l) {
      const auto& compensator = network.structure(l).compensator;
      if (!compensator) continue;
      const bool is_residual = compensator->is_residual;
      auto& own = effective[static_cast<std::size_t>(l)];
      auto& slope = derivative[static_cast<std::size_t>(l)];
      const Index n = network.shape(l).channels;
      const auto option = std::min(
          static_cast<std::size_t>(u[d++] * static_cast<double>(ratios.size())), ratios.size() - 1);
      const Index filters = nn::filters_of(ratios[option], n);
      Matrix<float>&weight = own[2].value, &weight_slope = slope[2].value;
      const Index first = is_residual ? 0 : n;
      if (filters == 0) {
        weight.fill(0.0f);
        weight_slope.fill(0.0f);
        for (Index o = 0; !is_residual && o < n; ++o) weight(o, o) = 1.0f;
        own[3].value.fill(0.0f);
        slope[3].value.fill(0.0f);
        continue;
      }
      for (Index o = 0; o < n; ++o)
        for (Index c = first + filters; c < weight.columns(); ++c)
          weight(o, c) = weight_slope(o, c) = 0.0f;
    }
  };
  NetworkOrigin origin;
  const CompensationOptions options = placed_options(
      options_, placed, setting_.experiment.search.epochs * static_cast<Index>(candidates_.size()));
  const std::string mask_name = fmt::format("shared ratios {} seed {}", fmt::join(ratios, " "),
                                            setting_.experiment.search.seed);
  shared_ = train_further(
      setting_, base, compensator_training(base, options, training_aid(setting_), mask, mask_name),
      origin);
}

nn::ParameterSet<float> sliced_parameters(const nn::TrainedNetwork& shared,
                                          const nn::Network& smaller) {
  nn::ParameterSet<float> out = nn::zero_parameters<float>(smaller);
  for (Index l = 0; l < smaller.layers(); ++l)
    for (Index k = 0; k < shared.network.layers(); ++k) {
      if (shared.network.name(k) != smaller.name(l)) continue;
      const auto& from = shared.parameters[static_cast<std::size_t>(k)];
      auto& to = out[static_cast<std::size_t>(l)];
      // Generator: the first rows; compensator: all of [y~], then the first generated maps.
      for (std::size_t p = 0; p < to.size(); ++p)
        for (Index r = 0; r < to[p].value.rows(); ++r)
          std::copy_n(from[p].value.row(r), to[p].value.columns(), to[p].value.row(r));
    }
  return out;
}

}  // namespace ohmic::lab
