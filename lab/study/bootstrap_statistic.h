#pragma once

#include <cstdint>

namespace ohmic::lab {

/// Bootstrap addresses of the intervals that commands print: statistics draw from addresses of
/// their own, and a report of a results file repeats what its command printed.
enum BootstrapStatistic : std::uint64_t {
  kAccuracyInterval = 0,
  kBudgetIntervals = 100,       ///< + line
  kLayerIntervals = 500,        ///< + layer
  kUntilInterval = 900,         ///< that says whether a sweep's point needs more chips
  kPointIntervals = 1000,       ///< of every point of a sweep
  kDifferenceIntervals = 1000,  ///< of a comparison: + method x point
  kMeanIntervals = 3000,        ///< + method x point
};

}  // namespace ohmic::lab
