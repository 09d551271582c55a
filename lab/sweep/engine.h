#pragma once

#include "base/console.h"
#include "lab/sweep/point_folder.h"
#include "lab/sweep/point_plan.h"
#include "lab/sweep/shard.h"

/// Measures points, of a sweep or of a comparison: shared work once, a file per point, beside other
/// processes.
namespace ohmic::lab {

struct PointJob {
  std::string name;  ///< for the progress line: "sweep"
  const std::vector<PointPlan>& points;
  WorkOf work;
  DataSets& data;
  const PointFolder& folder;
  Shard shard;
  PointRange range;
  bool use_cache;
  const Console& console;
};

/// The points of this process, one per digest, in the order in which they are measured: those of
/// one network follow each other, among them those of the same cells.
std::vector<std::size_t> points_of(const PointJob& job);

/// Whether the chips so far are as many as sweep.until asks for; true without it.
bool is_narrow(const Experiment& experiment, const std::vector<double>& accuracy);

/// Points that a process tried, and those of them that failed.
struct PointTally {
  std::size_t tried = 0, failed = 0;
};
/// Measures those of this process's points that are not done, and tries again those that failed.
/// Points that a living process works on are left to it. A point that fails leaves its message;
/// what cannot be written ends the work. `lock` is this process's. Throws FileError, Interrupted.
PointTally run_points(const PointJob& job, const FolderLock& lock);

/// The state of the points of a folder. Points that came out equal count once each. A point whose
/// file is damaged is not done: it runs again.
struct PointsState {
  std::size_t done = 0, failed = 0, running = 0, waiting = 0;
  std::vector<std::string> damage = {};  ///< what is wrong with each damaged file
  std::size_t all() const { return done + failed + running + waiting; }
};
/// `done` is told of every point that is.
PointsState points_state(
    const std::vector<PointPlan>& points, const PointFolder& folder,
    const std::function<void(const PointPlan&, const PointResult&)>& done = {});

}  // namespace ohmic::lab
