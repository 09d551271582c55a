#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
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

/// NaN where the data do not tell a bound.
struct Interval {
  double low = 0, high = 0;
  bool is_known() const { return !std::isnan(low) && !std::isnan(high); }
  /// What of it lies inside `bounds`.
  Interval within(Interval bounds) const;
};
inline constexpr Interval kAnyFraction{0, 1};
inline constexpr Interval kUnknownInterval{std::numeric_limits<double>::quiet_NaN(),
                                           std::numeric_limits<double>::quiet_NaN()};

/// The p-quantile (0..1) by linear interpolation between order statistics (type 7 of Hyndman and
/// Fan, 1996). `values` need not be sorted; not empty.
double quantile(std::span<const double> values, double p);

/// Interval for a proportion of `hits` in `trials` (Wilson, JASA 22 (1927) 209); z = 1.96 for 95 %.
Interval wilson_interval(std::int64_t hits, std::int64_t trials, double z = 1.959963984540054);

/// Interval for the mean of the distribution that `values` were drawn from. From 5 values on the
/// studentised bootstrap (Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 12.5),
/// drawn at bootstrap addresses under `statistic`, and widened by sqrt(n / (n - 1)): skewed samples
/// of a few values need it (docs/statistics.md measures how often it covers). Student's t below 5.
/// A single value tells nothing.
Interval mean_interval(std::span<const double> values, const RandomStream& stream,
                       std::uint64_t statistic, double level = 0.95, int replicates = 2000);

/// Whether values have come in until half of their mean_interval() is at most `half_width`, and
/// that of the first four fifths of them was too: a sample that by chance lacks its tail looks
/// narrow and is off, and later values mend both. docs/statistics.md measures how often the
/// interval covers.
bool is_mean_known(std::span<const double> values, double half_width, const RandomStream& stream,
                   std::uint64_t statistic, int replicates = 2000);

/// Interval for the p-quantile from order statistics, whatever the distribution (David, Nagaraja,
/// "Order Statistics", 2003, ch. 7.1): at least `level` is covered. A bound is NaN where there are
/// too few values for it. `groups` times the same members, of which each counts once, however alike
/// the groups are.
Interval quantile_interval(std::span<const double> values, double p, double level = 0.95,
                           std::int64_t groups = 1);

/// Interval for the difference of two proportions on the same `trials`, where the second has
/// `gained` hits that the first has not, and `lost` the other way round: Wald's with half a trial
/// added to each of the four outcomes (Agresti, Min, Stat. Med. 24 (2005) 729).
Interval paired_interval(std::int64_t gained, std::int64_t lost, std::int64_t trials,
                         double level = 0.95);

/// Interval for the mean over new groups and new members, from the values of every group (a row)
/// with the same members (columns): a normal analysis of the two-way layout. The means of the
/// groups vary around the mean with s^2 / groups, what all groups' values of a member share adds
/// its variance / members; Student's t with groups - 1 degrees of freedom. Unknown for one group.
Interval new_group_interval(std::span<const double> values, std::int64_t groups,
                            std::int64_t members, double level = 0.95);

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
