#include "devices/empirical.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/statistics.h"

using namespace ohmic;
using namespace ohmic::devices;

namespace {

/// Mean and deviation of the quantile function by the midpoint rule.
Moments by_midpoints(const Empirical& e) {
  constexpr int kPoints = 200000;
  Moments m;
  for (int i = 0; i < kPoints; ++i) m.add(e.quantile((i + 0.5) / kPoints));
  return m;
}

}  // namespace

TEST_CASE(
    "an empirical distribution has its sample's mean and deviation, with and without a bound") {
  const std::vector<std::vector<double>> samples{
      {1, 2, 4, 4, 7}, {0, 0, 0, 0, 0, 1, 1, 2, 5, 9}, {3, 3, 3, 3}, {-2, 1}};
  for (const auto& sample : samples) {
    Moments own;
    for (const double x : sample) own.add(x);
    const Moments drawn = by_midpoints(Empirical(sample));
    CHECK(drawn.mean() == doctest::Approx(own.mean()).epsilon(1e-6));
    CHECK(drawn.deviation() == doctest::Approx(own.deviation()).epsilon(1e-5));
    if (sample.front() < 0) continue;
    const Empirical bounded(sample, 0.0);
    CHECK(bounded.quantile(0) >= 0);
    CHECK(by_midpoints(bounded).mean() == doctest::Approx(own.mean()).epsilon(1e-6));
    CHECK(by_midpoints(bounded).deviation() == doctest::Approx(own.deviation()).epsilon(1e-5));
  }
}

TEST_CASE("where a bound leaves no way to keep the mean, the deviation is kept") {
  std::vector<double> sample(20, 0.0);
  sample.back() = 1;
  const Empirical e(sample, 0.0);
  Moments own;
  for (const double x : sample) own.add(x);
  CHECK(e.quantile(0.5) == 0);
  CHECK(by_midpoints(e).deviation() == doctest::Approx(own.deviation()).epsilon(1e-4));
}

TEST_CASE("tails beyond the smallest and largest sample are cut off") {
  const Empirical e({10, 11, 12, 13, 14});
  CHECK(e.quantile(0) == e.quantile(0.1));
  CHECK(e.quantile(1) == e.quantile(0.9));
  CHECK(e.quantile(0.5) == doctest::Approx(12));
}
