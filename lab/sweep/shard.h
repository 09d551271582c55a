#pragma once

#include <cstddef>
#include <functional>
#include <string>

/// Which points of a sweep this process takes.
namespace ohmic::lab {

/// Part `index` (0 .. count - 1) of `count`: every count-th point, so that parts cost alike.
struct Shard {
  std::size_t index = 0, count = 1;
  std::string source;  ///< "" where the user said it or there is one part, else the variables
  /// The task of an array whose list has gaps (`--array=1,5`): its numbers say nothing of the share
  /// that such a task had in the whole array, so every task takes whatever points are free.
  std::string free_task = {};
  bool is_one_of_many() const { return count > 1 || !free_task.empty(); }
  bool has(std::size_t point) const { return point % count == index; }
};

/// How an environment variable is looked up; null where it is not set.
using Environment = std::function<const char*(const char*)>;

/// "i/n" as the user wrote it (`option`; "none": one part), else what batch system and launcher
/// say: SLURM_ARRAY_TASK_{ID, MIN, MAX, COUNT} (a list with gaps: free points), and within each
/// task the first that is there of OMPI_COMM_WORLD_{RANK, SIZE} (Open MPI), PMI_{RANK, SIZE}
/// (MPICH, Intel), SLURM_PROCID of SLURM_STEP_NUM_TASKS (srun). ConfigError for anything that is
/// not a shard.
Shard shard_of(const std::string& option, const Environment& environment);

/// Points "a..b" (both included) of `count`; all where `option` is empty. ConfigError.
struct PointRange {
  std::size_t first = 0, last = 0;
  bool has(std::size_t point) const { return first <= point && point <= last; }
  bool has_all(std::size_t count) const { return first == 0 && last + 1 == count; }
};
PointRange range_of(const std::string& option, std::size_t count);

}  // namespace ohmic::lab
