#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/statistics.h"

namespace ohmic {
namespace {

struct MeanSquare {
  double value = 0;
  double freedom = 0;  ///< degrees of freedom
};

double square(double x) { return x * x; }

/// Quantile of F with n1 and n2 degrees of freedom (n2 infinite where 0), upper tail `tail`.
double upper_f(double tail, double n1, double n2) {
  using boost::math::complement;
  using boost::math::quantile;
  if (n2 == 0) return quantile(complement(boost::math::chi_squared(n1), tail)) / n1;
  return quantile(complement(boost::math::fisher_f(n1, n2), tail));
}

/// (a - b) / k with the modified large-sample interval.
VarianceComponent difference(const MeanSquare& a, const MeanSquare& b, double k, double tail) {
  VarianceComponent out{.variance = (a.value - b.value) / k, .interval = {}, .is_known = true};
  const double g1 = 1 - 1 / upper_f(tail, a.freedom, 0), g2 = 1 - 1 / upper_f(tail, b.freedom, 0);
  const double h1 = 1 / upper_f(1 - tail, a.freedom, 0) - 1,
               h2 = 1 / upper_f(1 - tail, b.freedom, 0) - 1;
  const double f_low = upper_f(tail, a.freedom, b.freedom),
               f_high = upper_f(1 - tail, a.freedom, b.freedom);
  const double g12 = (square(f_low - 1) - square(g1 * f_low) - square(h2)) / f_low;
  const double h12 = (square(1 - f_high) - square(h1 * f_high) - square(g2)) / f_high;
  const double below = square(g1 * a.value) + square(h2 * b.value) + g12 * a.value * b.value;
  const double above = square(h1 * a.value) + square(g2 * b.value) + h12 * a.value * b.value;
  out.interval = {std::max(0.0, out.variance - std::sqrt(std::max(below, 0.0)) / k),
                  std::max(0.0, out.variance + std::sqrt(std::max(above, 0.0)) / k)};
  return out;
}

/// The mean square itself over k, with its chi-squared interval.
VarianceComponent alone(const MeanSquare& a, double k, double tail) {
  return {.variance = a.value / k,
          .interval = {a.value / upper_f(tail, a.freedom, 0) / k,
                       a.value / upper_f(1 - tail, a.freedom, 0) / k},
          .is_known = true};
}

}  // namespace

VarianceSplit nested_variance(std::span<const double> values, std::int64_t groups,
                              std::int64_t subgroups, std::int64_t members, double level) {
  ensure(groups >= 1 && subgroups >= 1 && members >= 1 &&
             static_cast<std::int64_t>(values.size()) == groups * subgroups * members,
         "a nested analysis of variance needs balanced values");
  const auto a = static_cast<double>(groups), b = static_cast<double>(subgroups),
             c = static_cast<double>(members);
  double grand = 0, within = 0, between = 0, across = 0;
  for (const double v : values) grand += v / (a * b * c);
  std::size_t at = 0;
  for (std::int64_t i = 0; i < groups; ++i) {
    std::vector<double> means;
    double group = 0;
    for (std::int64_t j = 0; j < subgroups; ++j, at += static_cast<std::size_t>(members)) {
      const auto own = values.subspan(at, static_cast<std::size_t>(members));
      double mean = 0;
      for (const double v : own) mean += v / c;
      for (const double v : own) within += square(v - mean);
      means.push_back(mean);
      group += mean / b;
    }
    for (const double m : means) between += c * square(m - group);
    across += b * c * square(group - grand);
  }
  const double tail = (1 - level) / 2;
  const MeanSquare group{groups > 1 ? across / (a - 1) : 0.0, a - 1};
  const MeanSquare subgroup{subgroups > 1 ? between / (a * (b - 1)) : 0.0, a * (b - 1)};
  const MeanSquare member{members > 1 ? within / (a * b * (c - 1)) : 0.0, a * b * (c - 1)};
  VarianceSplit out;
  if (members > 1) out.member = alone(member, 1, tail);
  if (subgroups > 1)
    out.subgroup = members > 1 ? difference(subgroup, member, c, tail) : alone(subgroup, c, tail);
  if (groups > 1)
    out.group = subgroups > 1 ? difference(group, subgroup, b * c, tail)
                : members > 1 ? difference(group, member, b * c, tail)
                              : alone(group, b * c, tail);
  return out;
}

}  // namespace ohmic
