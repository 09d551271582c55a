#include "base/statistics.h"

#include <algorithm>
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

Interval bootstrap_mean_interval(std::span<const double> values, const RandomStream& stream,
                                 std::uint64_t statistic, double level, int replicates) {
  ensure(!values.empty() && replicates > 0 && level > 0 && level < 1,
         "a bootstrap needs values, replicates and a level inside (0, 1)");
  if (values.size() == 1) return {values[0], values[0]};
  const double n = static_cast<double>(values.size());
  std::vector<double> means, uniforms(values.size());
  for (int replicate = 0; replicate < replicates; ++replicate) {
    const Address row = bootstrap_address(
        {.statistic = statistic, .replicate = static_cast<std::uint64_t>(replicate)});
    stream.uniforms(row, 0, uniforms);
    double sum = 0;
    for (double u : uniforms) sum += values[static_cast<std::size_t>(u * n)];  // u < 1, exactly
    means.push_back(sum / n);
  }
  return {quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)};
}

}  // namespace ohmic
