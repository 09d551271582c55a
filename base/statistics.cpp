#include "base/statistics.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "base/error.h"

namespace ohmic {

void Moments::add(double x) {
  ++count_;
  const double step = x - mean_;
  mean_ += step / static_cast<double>(count_);
  sum_of_squares_ += step * (x - mean_);
}

void Moments::merge(const Moments& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  const double n = static_cast<double>(count_), m = static_cast<double>(other.count_);
  const double step = other.mean_ - mean_;
  mean_ += step * (m / (n + m));
  sum_of_squares_ += other.sum_of_squares_ + step * step * (n * m / (n + m));
  count_ += other.count_;
}

double Moments::variance() const {
  return count_ < 2 ? 0.0 : sum_of_squares_ / static_cast<double>(count_ - 1);
}

double Moments::deviation() const { return std::sqrt(variance()); }

double mean_of(std::span<const double> values) {
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  return mean;
}

double quantile(std::span<const double> values, double p) {
  ensure(!values.empty() && p >= 0 && p <= 1, "a quantile needs values and 0 <= p <= 1");
  std::vector<double> sorted(values.begin(), values.end());
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(below);
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(sorted.begin(), at, sorted.end());
  if (fraction == 0) return *at;
  const double above = *std::min_element(at + 1, sorted.end());
  return *at + fraction * (above - *at);
}

Interval wilson_interval(std::int64_t hits, std::int64_t trials, double z) {
  ensure(trials > 0 && hits >= 0 && hits <= trials, "a proportion needs 0 <= hits <= trials");
  const double n = static_cast<double>(trials), p = static_cast<double>(hits) / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // At the ends the two cancel exactly but for rounding.
  return {hits == 0 ? 0.0 : std::max(0.0, centre - half),
          hits == trials ? 1.0 : std::min(1.0, centre + half)};
}

Interval Interval::within(Interval bounds) const {
  return {std::clamp(low, bounds.low, bounds.high), std::clamp(high, bounds.low, bounds.high)};
}

namespace {

/// The upper `tail` quantile of Student's t.
double upper_t(double tail, double freedom) {
  return boost::math::quantile(boost::math::complement(boost::math::students_t(freedom), tail));
}

/// Deviations of resamples' means in their own standard errors.
std::vector<double> studentised(std::span<const double> values, const Moments& all,
                                const RandomStream& stream, std::uint64_t statistic,
                                int replicates) {
  const double n = static_cast<double>(values.size());
  std::vector<double> t, deviations, uniforms(values.size());
  for (const double value : values) deviations.push_back(value - all.mean());
  // Resamples that miss the one value that is off have next to no spread, and would be infinitely
  // far away; a fifth of the sample's is the least. Where values are many kinds, this changes
  // nothing.
  constexpr double kLeastSpread = 0.2;
  const double least = kLeastSpread * kLeastSpread * all.variance();
  for (int replicate = 0; replicate < replicates; ++replicate) {
    const Address row = bootstrap_address(
        {.statistic = statistic, .replicate = static_cast<std::uint64_t>(replicate)});
    stream.uniforms(row, 0, uniforms);
    double sum = 0, squares = 0;
    for (const double u : uniforms) {
      const double d = deviations[static_cast<std::size_t>(u * n)];  // u < 1, exactly
      sum += d;
      squares += d * d;
    }
    const double variance = (squares - sum * sum / n) / (n - 1);
    t.push_back(sum / std::sqrt(n * std::max(variance, least)));
  }
  return t;
}

}  // namespace

Interval mean_interval(std::span<const double> values, const RandomStream& stream,
                       std::uint64_t statistic, double level, int replicates) {
  ensure(!values.empty() && replicates > 0 && level > 0 && level < 1,
         "an interval needs values, replicates and a level inside (0, 1)");
  if (values.size() == 1) return kUnknownInterval;
  const double n = static_cast<double>(values.size());
  Moments all;
  for (const double value : values) all.add(value);
  if (all.variance() == 0) return {all.mean(), all.mean()};
  const double error = all.deviation() / std::sqrt(n);
  constexpr std::size_t kLeastBootstrap = 5;
  if (values.size() < kLeastBootstrap) {
    const double half = error * upper_t((1 - level) / 2, n - 1);
    return {all.mean() - half, all.mean() + half};
  }
  const std::vector<double> t = studentised(values, all, stream, statistic, replicates);
  const double widened = error * std::sqrt(n / (n - 1));
  return {all.mean() - widened * quantile(t, (1 + level) / 2),
          all.mean() - widened * quantile(t, (1 - level) / 2)};
}

bool is_mean_known(std::span<const double> values, double half_width, const RandomStream& stream,
                   std::uint64_t statistic, int replicates) {
  const auto is_narrow = [&](std::size_t n) {
    const Interval i = mean_interval(values.first(n), stream, statistic, 0.95, replicates);
    return (i.high - i.low) / 2 <= half_width;
  };
  const std::size_t n = values.size();
  return n > 1 && is_narrow(n) && is_narrow(std::max<std::size_t>(2, n * 4 / 5));
}

Interval quantile_interval(std::span<const double> values, double p, double level,
                           std::int64_t groups) {
  ensure(!values.empty() && p > 0 && p < 1 && level > 0 && level < 1,
         "an interval of a quantile needs values, and p and a level inside (0, 1)");
  const auto of_rank = static_cast<std::size_t>(groups);
  ensure(groups >= 1 && values.size() % of_rank == 0, "every group has the same members");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t members = sorted.size() / of_rank;
  // The quantile lies above the k-th smallest value (from 0) where more than k values lie below it.
  const boost::math::binomial below(static_cast<double>(members), p);
  const double tail = (1 - level) / 2;
  Interval out = kUnknownInterval;
  for (std::size_t k = 0; k < members; ++k) {
    const double at_most_k = boost::math::cdf(below, static_cast<double>(k));
    if (at_most_k <= tail) out.low = sorted[k * of_rank];
    if (std::isnan(out.high) && at_most_k >= 1 - tail) out.high = sorted[(k + 1) * of_rank - 1];
  }
  return out;
}

Interval paired_interval(std::int64_t gained, std::int64_t lost, std::int64_t trials,
                         double level) {
  ensure(trials > 0 && gained >= 0 && lost >= 0 && gained + lost <= trials,
         "paired proportions need gained + lost <= trials");
  const double n = static_cast<double>(trials) + 2, b = static_cast<double>(gained) + 0.5,
               c = static_cast<double>(lost) + 0.5;
  const double z =
      boost::math::quantile(boost::math::complement(boost::math::normal(), (1 - level) / 2));
  const double difference = (b - c) / n;
  const double half = z * std::sqrt((b + c) / n - difference * difference) / std::sqrt(n);
  return {difference - half, difference + half};
}

Interval new_group_interval(std::span<const double> values, std::int64_t groups,
                            std::int64_t members, double level) {
  ensure(
      groups >= 1 && members >= 1 && static_cast<std::int64_t>(values.size()) == groups * members,
      "a two-way layout needs balanced values");
  if (groups == 1) return kUnknownInterval;
  const auto k = static_cast<std::size_t>(groups), n = static_cast<std::size_t>(members);
  Moments of_groups, of_members;
  std::vector<double> group_means;
  for (std::size_t g = 0; g < k; ++g) {
    group_means.push_back(mean_of(values.subspan(g * n, n)));
    of_groups.add(group_means.back());
  }
  double residual = 0;
  for (std::size_t m = 0; m < n; ++m) {
    double member_mean = 0;
    for (std::size_t g = 0; g < k; ++g)
      member_mean += values[g * n + m] / static_cast<double>(groups);
    of_members.add(member_mean);
    for (std::size_t g = 0; g < k; ++g) {
      const double left = values[g * n + m] - group_means[g] - member_mean + of_groups.mean();
      residual += left * left;
    }
  }
  const double freedom = static_cast<double>((groups - 1) * std::max<std::int64_t>(members - 1, 1));
  const double shared =
      std::max(of_members.variance() - residual / freedom / static_cast<double>(groups), 0.0);
  const double variance =
      of_groups.variance() / static_cast<double>(groups) + shared / static_cast<double>(members);
  const double half =
      std::sqrt(variance) * upper_t((1 - level) / 2, static_cast<double>(groups - 1));
  return {of_groups.mean() - half, of_groups.mean() + half};
}

}  // namespace ohmic
