#include "cli/point_command.h"
#include "lab/experiment/described_network.h"
#include "lab/report/compare_report.h"
#include "lab/study/check_methods.h"
#include "lab/study/dry_run.h"
#include "lab/sweep/compare_points.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Trains and measures methods side by side on the same networks, chips and images: [compare] names methods and combinations
("injection+ridge"), training seeds and axes (sigmas); [methods.NAME] their options. Writes DIR/results.h5, compare.md, and plots of
accuracy against sigma and overhead. Every point is a file in DIR/points: the same command continues where it was stopped or
killed, and several processes can share the points, as in a sweep (ohmic sweep --help).

Example:
  ohmic compare data/experiments/correctnet_quick.toml -o quick
)";

/// What is wrong with the config as a whole, before its points are looked at.
void check_base(const Experiment& base, const nn::Data& data, bool dry_run) {
  check_images(base, data);
  check_comparison(base, data);
  const nn::Network network = described_network(base, data.shape(), data.classes());
  check_methods(base, network, base.compare.methods);
  if (dry_run) return;
  Experiment accuracy_only = base;
  accuracy_only.evaluation.budget_images = accuracy_only.evaluation.error_images = 0;
  refuse_beyond_memory(estimate_work(accuracy_only, network, data, false), base);
}

int compare(const CommonOptions& options, const PointOptions& own, Console& console) {
  if (!own.status.empty()) return print_points_status(own.status, console);
  if (options.config.empty())
    throw ConfigError("compare needs a config, or --status DIR; see `ohmic compare --help`");
  const Experiment base = read_experiment(options, {}, "compare");
  require_network(base);
  apply_common_options(options, base.run);
  DataSets data(data_needs(options, base, "compare"));
  const nn::Data& images = data.of(base);
  check_base(base, images, options.dry_run);
  const std::vector<Axis> axes = compare_axes(base.compare);
  const PointValues grid = compare_grid(axes);
  InputFiles files;
  const std::vector<PointPlan> points = check_compare(base, grid, images.digest, files);
  const ResultsIdentity identity =
      identity_of(base, "compare", images.digest, files, digest_lines(points));
  PointCommand command{.name = "compare",
                       .noun = "comparison",
                       .base = base,
                       .values = grid,
                       .plans = points,
                       .identity = identity,
                       .work = [&](std::size_t i) { return compare_work(base, grid, i); },
                       .data = data};
  command.write = [&](const std::filesystem::path& folder, const GatheredPoints& results,
                      const Provenance& provenance) {
    const Comparison comparison = comparison_of(base, results);
    write_comparison(folder, comparison, base, identity, provenance);
    for (std::size_t h = 0; h < comparison.hardware.size(); ++h)
      console.print("hardware: {}\n{}\n", comparison.hardware[h],
                    compare_markdown(comparison, base, h));
    console.print("{}", verification_words(points, results));
    console.print("compare.md and plots beside the results\n");
  };
  return run_point_command(command, options, own, console);
}

}  // namespace

void add_compare_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("compare", "measure methods side by side");
  command->footer(kHelp);
  add_common_options(*command, options, false);
  const auto own = std::make_shared<PointOptions>();
  add_point_options(*command, *own);
  command->callback([&options, &action, own] {
    action = [&options, own](Console& console) { return compare(options, *own, console); };
  });
}

}  // namespace ohmic::lab
