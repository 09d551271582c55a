#include <fmt/ranges.h>

#include <chrono>
#include <set>

#include "base/array_file.h"
#include "lab/check_methods.h"
#include "lab/command.h"
#include "lab/compare_report.h"
#include "lab/dry_run.h"
#include "lab/interrupt.h"
#include "lab/session.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Trains and measures methods side by side on the same networks, chips and images: [compare] names methods and combinations
("injection+ridge"), training seeds and axes (sigmas); [methods.NAME] their options. Writes DIR/results.h5, compare.md, and plots of
accuracy against sigma and overhead. Ctrl-C loses the running point only; the same command goes on.

Example:
  ohmic compare data/experiments/correctnet_quick.toml -o quick
)";

int compare_command(const CommonOptions& options, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  Session session = open_session(options, "compare");
  const Experiment& experiment = session.experiment;
  const nn::Data& data = session.data;
  check_comparison(experiment, data);
  const nn::Network described = described_network(experiment, data.shape(), data.classes());
  check_methods(experiment, described, experiment.compare.methods);
  session.notes = check_points(experiment);
  Experiment accuracy_only = experiment;
  accuracy_only.evaluation.budget_images = accuracy_only.evaluation.error_images = 0;
  const WorkEstimate work = estimate_work(accuracy_only, described, data, false);
  if (options.dry_run) {
    const CompareParams& c = experiment.compare;
    const std::size_t points =
        grid_size(c.axes) * std::max<std::size_t>(c.sigmas.size(), 1) * c.hardware.size();
    console.print(
        "{} methods x {} training seeds x {} hardware x {} points x {} chips on {} test images\n",
        c.methods.size(), c.training_seeds.size(), c.hardware.size(), points / c.hardware.size(),
        experiment.run.chips, grouped(evaluated_images(experiment, data).size()));
    std::set<std::string> trainings;
    for (const std::string& method : c.methods)
      trainings.insert(fmt::format("{}", fmt::join(trained_parts(parse_method(method)), "+")));
    const auto runs = static_cast<double>(c.methods.size() * c.training_seeds.size() * points);
    print_work(
        console, session.folder.string(),
        work.training_seconds * static_cast<double>(trainings.size() * c.training_seeds.size()),
        work.chip_seconds * runs * static_cast<double>(experiment.run.chips), work.memory_bytes,
        work.disk_bytes + runs * 10e3);
    return 0;
  }
  refuse_beyond_memory(work, experiment);
  const std::filesystem::path& folder = session.folder;
  session.identity = compare_identity(experiment, data.digest, *session.files);
  // An interrupted comparison goes on with its own config only; results of another one, which
  // --force began to replace, stay until the end.
  const std::filesystem::path config = folder / "config.toml";
  const std::string& resolved = session.identity.config;
  const auto is_done = [&] {
    if (options.force) return false;
    const bool has_config = std::filesystem::exists(config);
    const std::string found = has_config ? read_whole_file(config) : "";
    if (has_config && found == resolved) return holds_results(session.file, session.identity);
    if (check_existing(session.file, session.identity, false) == Existing::same) return true;
    const bool is_cut = resolved.starts_with(found);  // by a loss of power, say
    if (has_config && !is_cut)
      throw ConfigError(config.string() +
                        " is that of another comparison; choose another folder with -o, or replace "
                        "it with --force");
    return false;
  };
  const auto tell_done = [&] {
    console.print("{} is done already (the same config); --force runs it again\n",
                  session.file.string());
    return 0;
  };
  if (is_done()) return tell_done();
  const InterruptWatch watch;
  const auto held = session.begin(options, console);
  if (is_done()) return tell_done();  // another process has been here in between
  tell(session.notes, console);
  const OutputFolder points(folder / "points");
  remove_leftovers(folder / "points");
  write_whole_file(config, resolved);
  const Comparison comparison =
      compare(experiment, data, !options.no_cache, folder, *session.files, console);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_comparison(folder, comparison, experiment, session.identity,
                   {.command = options.command_line, .wall_seconds = seconds});
  for (std::size_t h = 0; h < comparison.hardware.size(); ++h)
    console.print("hardware: {}\n{}\n", comparison.hardware[h],
                  compare_markdown(comparison, experiment, h));
  console.print("results in {}, compare.md and plots beside it; {:.1f} s\n", session.file.string(),
                seconds);
  return 0;
}

}  // namespace

void add_compare_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("compare", "measure methods side by side");
  command->footer(kHelp);
  add_common_options(*command, options, true);
  command->callback(
      [&] { action = [&](Console& console) { return compare_command(options, console); }; });
}

}  // namespace ohmic::lab
