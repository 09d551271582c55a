#pragma once

#include "lab/console.h"
#include "lab/sweep/point_folder.h"
#include "lab/sweep/points.h"
#include "lab/sweep/shard.h"

/// Runs the points of a sweep: shared work once, a file a point, beside other processes.
namespace ohmic::lab {

struct SweepJob {
  const Experiment& base;
  const SweepGrid& grid;
  const std::vector<SweepPoint>& points;
  DataSets& data;
  const PointFolder& folder;
  Shard shard;
  PointRange range;
  bool use_cache;
  const Console& console;
};

/// Measures those of this process's points that are not done, and tries again those that failed.
/// Points that a living process works on are left to it. A point that fails leaves its message;
/// what cannot be written ends the sweep. `lock` is this process's. Returns the number of points
/// that were tried. Throws FileError, Interrupted.
std::size_t run_points(const SweepJob& job, const FolderLock& lock);

/// How a sweep stands. Sampled points that came out equal count once each.
struct SweepState {
  std::size_t done = 0, failed = 0, running = 0, waiting = 0;
  std::size_t all() const { return done + failed + running + waiting; }
};
SweepState sweep_state(const std::vector<SweepPoint>& points, const PointFolder& folder);

}  // namespace ohmic::lab
