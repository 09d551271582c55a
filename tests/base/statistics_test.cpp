#include "base/statistics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "messages.h"

using namespace ohmic;

namespace {

std::vector<double> ramp(int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(i);
  return values;
}

}  // namespace

TEST_CASE("moments are those of the closed form, far from zero too") {
  // 0 .. n - 1: variance n (n + 1) / 12.
  Moments m;
  for (double x : ramp(1000)) m.add(1e9 + x);
  CHECK(m.count() == 1000);
  CHECK(m.mean() == doctest::Approx(1e9 + 499.5).epsilon(1e-15));
  CHECK(m.variance() == doctest::Approx(1000.0 * 1001 / 12).epsilon(1e-12));
  CHECK(m.deviation() == doctest::Approx(std::sqrt(1000.0 * 1001 / 12)).epsilon(1e-12));
  CHECK(Moments{}.variance() == 0);
}

TEST_CASE("two samples merge into one") {
  Moments all, left, right, none;
  for (double x : ramp(100)) {
    all.add(x * x);
    (x < 30 ? left : right).add(x * x);
  }
  left.merge(none);
  left.merge(right);
  none.merge(left);
  CHECK(none.count() == 100);
  CHECK(none.mean() == doctest::Approx(all.mean()).epsilon(1e-14));
  CHECK(none.variance() == doctest::Approx(all.variance()).epsilon(1e-14));
}

TEST_CASE("quantiles interpolate between order statistics") {
  // numpy.quantile([3, 1, 2, 10], [0, 0.05, 0.5, 0.9, 1]) (its default is type 7)
  const std::vector<double> values{3, 1, 2, 10};
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 0.05) == doctest::Approx(1.15).epsilon(1e-15));
  CHECK(quantile(values, 0.5) == 2.5);
  CHECK(quantile(values, 0.9) == doctest::Approx(7.9).epsilon(1e-15));
  CHECK(quantile(values, 1) == 10);
  CHECK(quantile(std::vector<double>{4}, 0.3) == 4);
}

TEST_CASE("the Wilson interval agrees with published values") {
  // Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
  const auto agrees = [](Interval i, double low, double high) {
    constexpr double kPrinted = 0.5e-4;  // four digits in the table
    return std::fabs(i.low - low) <= kPrinted && std::fabs(i.high - high) <= kPrinted;
  };
  CHECK(agrees(wilson_interval(81, 263), 0.2553, 0.3662));
  CHECK(agrees(wilson_interval(15, 148), 0.0624, 0.1605));
  CHECK(agrees(wilson_interval(0, 20), 0.0000, 0.1611));
  CHECK(agrees(wilson_interval(1, 29), 0.0061, 0.1718));
  CHECK(wilson_interval(20, 20).high == 1);
}

TEST_CASE("a bootstrap interval has the width that the standard error asks for") {
  // Width of a 95 % interval: 2 x 1.96 s / sqrt(n), with the biased deviation s. A quantile of B
  // replicates has a standard error of sqrt(p (1 - p) / B) / density, about 0.0597 standard errors
  // of the mean at p = 0.025 and B = 2000; 5 sigma of each end. False alarms: two ends, below 2e-6.
  const std::vector<double> values = ramp(100);
  Moments m;
  for (double x : values) m.add(x);
  const double standard_error = m.deviation() * std::sqrt(99.0 / 100) / 10;
  const Interval interval = bootstrap_mean_interval(values, RandomStream(1), 0);
  const double tolerance = 5 * 0.0597 * standard_error;
  CHECK(std::fabs(interval.low - (m.mean() - 1.96 * standard_error)) < tolerance);
  CHECK(std::fabs(interval.high - (m.mean() + 1.96 * standard_error)) < tolerance);
}

TEST_CASE("a bootstrap interval depends on seed and statistic only") {
  const std::vector<double> values = ramp(10);
  const Interval a = bootstrap_mean_interval(values, RandomStream(1), 0);
  const Interval again = bootstrap_mean_interval(values, RandomStream(1), 0);
  CHECK(a.low == again.low);
  CHECK(a.high == again.high);
  CHECK(bootstrap_address({.statistic = 0}) != bootstrap_address({.statistic = 1}));
  const std::vector<double> one{7};
  CHECK(bootstrap_mean_interval(one, RandomStream(1), 0).low == 7);
  CHECK(bootstrap_mean_interval(one, RandomStream(1), 0).high == 7);
}

TEST_CASE("statistics of nothing are a defect of ours") {
  const std::vector<double> none;
  CHECK(testing::message_of<LogicError>([&] {
          quantile(none, 0.5);
        }).ends_with("a quantile needs values and 0 <= p <= 1"));
  CHECK(testing::message_of<LogicError>([&] {
          wilson_interval(0, 0);
        }).ends_with("a proportion needs 0 <= hits <= trials"));
  CHECK(testing::message_of<LogicError>([&] {
          bootstrap_mean_interval(none, RandomStream(1), 0);
        }).ends_with("a level inside (0, 1)"));
}

TEST_CASE("a nested analysis of variance is the textbook's on a small case") {
  // Two groups of two subgroups of two members, by hand: member means 1, 3 | 6, 10, group means
  // 2, 8.
  const std::vector<double> values{0, 2, 2, 4, 5, 7, 8, 12};
  const VarianceSplit split = nested_variance(values, 2, 2, 2);
  const double within = (2 + 2 + 2 + 8) / 4.0;       // 4 degrees of freedom
  const double between = 2 * (1 + 1 + 4 + 4) / 2.0;  // 2
  const double across = 4 * (9 + 9) / 1.0;           // 1
  CHECK(split.member.variance == doctest::Approx(within));
  CHECK(split.subgroup.variance == doctest::Approx((between - within) / 2));
  CHECK(split.group.variance == doctest::Approx((across - between) / 4));
  // chi-squared quantiles with 4 degrees of freedom: .48442 (2.5 %) and 11.14329 (97.5 %).
  CHECK(split.member.interval.low == doctest::Approx(4 * within / 11.14329).epsilon(1e-5));
  CHECK(split.member.interval.high == doctest::Approx(4 * within / 0.48442).epsilon(1e-4));
  const VarianceSplit single = nested_variance(values, 8, 1, 1);
  CHECK(!single.subgroup.is_known);
  CHECK(!single.member.is_known);
  CHECK(single.group.is_known);
}

TEST_CASE("a nested analysis of variance finds parts that are known") {
  // 200 data sets of 12 x 4 x 3 normal values with deviations 3, 2, 1. The mean of 200 unbiased
  // estimates lies within 5 of its standard errors (false alarms below 1e-6 each), the 95 %
  // interval covers the truth in 200 * .95 +- 5 sqrt(200 * .95 * .05) data sets.
  const RandomStream stream(3);
  Moments group, subgroup, member;
  std::array<int, 3> covered{};
  for (std::uint64_t set = 0; set < 200; ++set) {
    std::vector<float> z(12 + 48 + 144);
    stream.normals(bootstrap_address({.statistic = 77, .replicate = set}), 0, z);
    std::vector<double> values;
    for (std::size_t i = 0; i < 12; ++i)
      for (std::size_t j = 0; j < 4; ++j)
        for (std::size_t k = 0; k < 3; ++k)
          values.push_back(3.0 * z[i] + 2.0 * z[12 + 4 * i + j] + z[60 + 12 * i + 3 * j + k]);
    const VarianceSplit split = nested_variance(values, 12, 4, 3);
    group.add(split.group.variance);
    subgroup.add(split.subgroup.variance);
    member.add(split.member.variance);
    const auto covers = [](const VarianceComponent& c, double truth) {
      return c.interval.low <= truth && truth <= c.interval.high;
    };
    covered[0] += covers(split.group, 9);
    covered[1] += covers(split.subgroup, 4);
    covered[2] += covers(split.member, 1);
  }
  const auto near = [](const Moments& m, double truth) {
    return std::fabs(m.mean() - truth) <= 5 * m.deviation() / std::sqrt(200.0);
  };
  CHECK(near(group, 9));
  CHECK(near(subgroup, 4));
  CHECK(near(member, 1));
  for (const int count : covered) CHECK(std::abs(count - 190) <= 5 * std::sqrt(200 * 0.95 * 0.05));
}
