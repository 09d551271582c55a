#pragma once

#include <cstdint>
#include <vector>

#include "base/matrix.h"

namespace ohmic::sim {

/// How often each magnitude |x| was seen, to one part in 1024: a bucket is a float's exponent and
/// 10 bits of mantissa, so any range of numbers fits without a first pass, and counts add up the
/// same in any order.
class Histogram {
 public:
  void add(const float* values, Index n);
  void merge(const Histogram& other);
  std::int64_t count() const { return count_; }
  /// The largest magnitude seen, exactly; 0 if none.
  double max() const { return max_; }
  /// The p-quantile of |x|: the upper edge of its bucket, at most max(). 0 if nothing was seen.
  double quantile(double p) const;
  /// The limit, among 1/200, 2/200, ... of max(), at which a converter with `steps` steps from 0 to
  /// its limit has the least squared error on what was seen (bucket centres). max() if nothing was.
  double least_error_limit(double steps) const;

 private:
  /// Calls of(bucket, count) for buckets that are not empty, in order, while it returns true.
  template <class Of>
  void for_each_bucket(Of of) const;
  /// Counts of each power of two, where one was seen: tiles have a histogram each, and what they
  /// see spans some ten octaves of the 256 that a float has.
  std::vector<std::vector<std::int64_t>> octaves_;
  std::int64_t count_ = 0;
  float max_ = 0;
};

}  // namespace ohmic::sim
