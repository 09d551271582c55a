#include "base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <limits>

namespace ohmic {

void set_threads(int threads) { omp_set_num_threads(threads > 0 ? threads : omp_get_num_procs()); }

int threads() { return omp_get_max_threads(); }

void for_each_block(Index blocks, const std::function<void(Index)>& body) {
  if (blocks <= 1 || omp_in_parallel()) {
    for (Index block = 0; block < blocks; ++block) body(block);
    return;
  }
  std::exception_ptr failure;
  Index failed = std::numeric_limits<Index>::max();
#pragma omp parallel for schedule(dynamic, 1)
  for (Index block = 0; block < blocks; ++block) {
    try {
      body(block);
    } catch (...) {
#pragma omp critical(ohmic_first_failure)
      if (block < failed) {
        failed = block;
        failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void for_each_part(Index count, Index numbers, const std::function<void(Index, Index)>& body) {
  // Waking threads, on a busy machine, costs more than less work than this.
  constexpr Index kLeast = 1 << 17, kMost = 16;
  const Index parts = std::clamp<Index>(count * numbers / kLeast, 1, std::min(kMost, count));
  for_each_block(parts,
                 [&](Index part) { body(part * count / parts, (part + 1) * count / parts); });
}

}  // namespace ohmic
