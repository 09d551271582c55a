#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random_stream.h"

namespace ohmic {

/// Mean and spread of a growing sample (Welford, Technometrics 4 (1962) 419).
class Moments {
 public:
  void add(double x);
  /// The two samples as one (Chan, Golub, LeVeque 1979).
  void merge(const Moments& other);
  std::int64_t count() const { return count_; }
  double mean() const { return mean_; }
  double variance() const;  ///< unbiased; 0 for fewer than two values
  double deviation() const;

 private:
  std::int64_t count_ = 0;
  double mean_ = 0, sum_of_squares_ = 0;
};

/// Mean of one value or more.
double mean_of(std::span<const double> values);

struct Interval {
  double low = 0, high = 0;
};

/// The p-quantile (0..1) by linear interpolation between order statistics (type 7 of Hyndman and
/// Fan, 1996). `values` need not be sorted; not empty.
double quantile(std::span<const double> values, double p);

/// Interval for a proportion of `hits` in `trials` (Wilson, JASA 22 (1927) 209); z = 1.96 for 95 %.
Interval wilson_interval(std::int64_t hits, std::int64_t trials, double z = 1.959963984540054);

/// Percentile-bootstrap interval for the mean of `values` (Efron 1979), drawn at bootstrap
/// addresses under `statistic`; `level` = 0.95. A single value gives a point.
Interval bootstrap_mean_interval(std::span<const double> values, const RandomStream& stream,
                                 std::uint64_t statistic, double level = 0.95,
                                 int replicates = 2000);

/// One part of a nested analysis of variance.
struct VarianceComponent {
  double variance = 0;    ///< unbiased, so it may come out below 0
  Interval interval;      ///< of the variance, clipped at 0
  bool is_known = false;  ///< false: this level has one member per group, its part lies in the
                          ///< level above or cannot be told
};

/// Splits the spread of values (a x b x c, balanced: groups, subgroups, members; row-major) into
/// what lies between groups, between subgroups of a group, and between members: nested analysis of
/// variance from mean squares (Searle, Casella, McCulloch, "Variance Components", 1992, ch. 3).
/// Intervals: exact chi-squared for the innermost part; for differences of mean squares the
/// modified large-sample intervals of Ting, Burdick, Graybill, Jeyaratnam, Franklin (J. Stat.
/// Comput. Simul. 35 (1990) 135). Exact coverage for normal values only.
struct VarianceSplit {
  VarianceComponent group, subgroup, member;
};
VarianceSplit nested_variance(std::span<const double> values, std::int64_t groups,
                              std::int64_t subgroups, std::int64_t members, double level = 0.95);

}  // namespace ohmic
