#pragma once

#include "cli/command.h"
#include "lab/results/results.h"
#include "lab/sweep/gathered_points.h"

/// What `ohmic sweep` and `ohmic compare` share: points that several processes may measure in one
/// folder, that outlive a kill, and that become results when all are there.
namespace ohmic::lab {

struct PointOptions {
  std::string shard, points;
  std::filesystem::path status;
  bool merge = false, mixed = false;
};
void add_point_options(CLI::App& app, PointOptions& own);

/// What a command on points needs of its data sets: a dry run looks at images only where points lie
/// in the output folder, and no run on this machine has kept their digests.
DataNeeds data_needs(const CommonOptions& options, const Experiment& base, const std::string& name);

/// A command, read and checked: its points, and what they become.
struct PointCommand {
  std::string name;  ///< "sweep"
  std::string noun;  ///< "sweep", "comparison"
  const Experiment& base;
  const PointValues& values;
  const std::vector<PointPlan>& plans;
  ResultsIdentity identity;
  WorkOf work;
  DataSets& data;
  /// Whether results can be made of some of the points.
  bool takes_some = false;
  /// Writes results.h5 (and what else belongs to it) in a folder, and prints the table.
  std::function<void(const std::filesystem::path& folder, const GatheredPoints&, const Provenance&)>
      write = {};
};

/// Measures this process's share of the points and merges them where they are all there. Returns
/// the exit status.
int run_point_command(const PointCommand& command, const CommonOptions& options,
                      const PointOptions& own, const Console& console);

/// The state of the points in `folder`, whichever process works on them.
int print_points_status(const std::filesystem::path& folder, const Console& console);

}  // namespace ohmic::lab
