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
