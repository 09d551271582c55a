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

/// The points of this process, one a digest, in the order in which they are measured: those of one
/// network follow each other, among them those of the same cells.
std::vector<std::size_t> points_of(const SweepJob& job);

/// Whether the chips so far are as many as sweep.until asks for; true without it.
bool is_narrow(const Experiment& experiment, const std::vector<double>& accuracy);

/// Points that a process tried, and those of them that failed.
struct SweepTally {
  std::size_t tried = 0, failed = 0;
};
/// Measures those of this process's points that are not done, and tries again those that failed.
/// Points that a living process works on are left to it. A point that fails leaves its message;
/// what cannot be written ends the sweep. `lock` is this process's. Throws FileError,
/// Interrupted.
SweepTally run_points(const SweepJob& job, const FolderLock& lock);

/// How a sweep stands. Sampled points that came out equal count once each. A point whose file is
/// damaged is not done: it runs again.
struct SweepState {
  std::size_t done = 0, failed = 0, running = 0, waiting = 0;
  std::vector<std::string> damage = {};  ///< what is wrong with each damaged file
  std::size_t all() const { return done + failed + running + waiting; }
};
SweepState sweep_state(const std::vector<SweepPoint>& points, const PointFolder& folder);

}  // namespace ohmic::lab
