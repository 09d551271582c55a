#include "cli/point_command.h"
#include "io/digest.h"
#include "lab/experiment/identity.h"
#include "lab/sweep/engine.h"
#include "lab/sweep/sweep_points.h"
#include "lab/sweep/sweep_results.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Measures a network on chips at every point of axes over any config keys: [sweep] axes, a grid or a sample. Every point is a
file in DIR/points; the same command continues where it was stopped, killed or out of disk, and retries failed points. What
points share (trainings, programmed cells) is done once. When all points are there they become DIR/results.h5.

Example:
  ohmic sweep data/experiments/sweep_fashion.toml -o fashion_sweep
  ohmic report fashion_sweep

On a cluster, array tasks and MPI ranks find their own share (docs/cluster.md); on two machines without either:
  ohmic sweep CONFIG -o /shared/DIR --shard 0/2        (and 1/2 on the other)
  ohmic sweep --status /shared/DIR
)";

/// --set of a key that an axis changes, or of one within the table that it replaces.
void check_settings(const CommonOptions& options, const std::vector<Axis>& axes) {
  const auto plain = [](std::string key) {
    std::erase_if(key, [](char c) { return c == ' ' || c == '\t' || c == '"'; });
    return key;
  };
  for (const std::string& setting : options.settings) {
    const std::string key = plain(setting.substr(0, setting.find('=')));
    for (const Axis& axis : axes)
      for (const AxisKey& varied : axis.keys)
        if (key == plain(varied.key) || key.starts_with(plain(varied.key) + "."))
          throw ConfigError("--set " + setting + ": " + varied.key +
                            " is an axis of the sweep; leave it out, or set sweep.axes");
  }
}

/// What the files of a sweep are about: another config, data set or version is another sweep.
ResultsIdentity sweep_identity(const Experiment& base, const std::vector<PointPlan>& points) {
  // Of the data set and files of every point, too: they are in the points' digests.
  const std::string config = resolved_config(base, "sweep");
  return {"sweep", config, digest(config + digest_lines(points))};
}

/// Points whose chips ran out before their interval was narrow.
std::size_t wide_points(const Experiment& base, const PointValues& grid,
                        const GatheredPoints& results) {
  if (!base.sweep.until.accuracy_ci_points) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < grid.points.size(); ++i)
    if (results.points[i] &&
        !is_narrow(point_experiment(base, grid, i), results.points[i]->accuracy))
      ++count;
  return count;
}

int sweep(const CommonOptions& options, const PointOptions& own, Console& console) {
  if (!own.status.empty()) return print_points_status(own.status, console);
  if (options.config.empty())
    throw ConfigError("sweep needs a config, or --status DIR; see `ohmic sweep --help`");
  const Experiment base = read_experiment(options, {}, "sweep");
  apply_common_options(options, base.run);
  check_settings(options, base.sweep.axes);
  const PointValues grid = sweep_grid(base);
  DataSets data(data_needs(options, base, "sweep"));
  const std::vector<PointPlan> points = check_sweep(base, grid, data);
  const ResultsIdentity identity = sweep_identity(base, points);
  PointCommand command{
      .name = "sweep",
      .noun = "sweep",
      .base = base,
      .values = grid,
      .plans = points,
      .identity = identity,
      .work = [&](std::size_t i) { return PointWork{.measured = point_experiment(base, grid, i)}; },
      .data = data,
      .takes_some = true};
  command.write = [&](const std::filesystem::path& folder, const GatheredPoints& results,
                      const Provenance& provenance) {
    write_sweep(folder / "results.h5", base, grid, results, identity, provenance);
    console.print("{}{}", best_points(base, points, results, 10),
                  verification_words(points, results));
    if (const std::size_t wide = wide_points(base, grid, results); wide > 0)
      console.print("{} had no more chips before the interval was as narrow as sweep.until asks\n",
                    count_of(wide, "point"));
  };
  return run_point_command(command, options, own, console);
}

}  // namespace

void add_sweep_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command =
      app.add_subcommand("sweep", "measure at every point of axes over config keys");
  command->footer(kHelp);
  add_common_options(*command, options, false);
  const auto own = std::make_shared<PointOptions>();
  add_point_options(*command, *own);
  command->callback([&options, &action, own] {
    action = [&options, own](Console& console) { return sweep(options, *own, console); };
  });
}

}  // namespace ohmic::lab
