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

TEST_CASE("the interval of a mean covers it as often as it says, of skewed values too") {
  // Exponential losses, 10 values each: 93 % at least (docs/statistics.md); 5 sigma of 2,000
  // repeats below, so a false alarm has a probability below 1e-6. Of normal values 95 %.
  const RandomStream stream(5);
  constexpr int kRepeats = 2000;
  constexpr std::size_t kValues = 10;
  const double slack = 5 * std::sqrt(0.95 * 0.05 / kRepeats);
  int exponential = 0, normal = 0;
  std::vector<double> u(kValues), v(kValues), w(kValues);
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto at = [&](std::uint64_t index) {
      return bootstrap_address(
          {.statistic = 1 + index, .replicate = static_cast<std::uint64_t>(repeat)});
    };
    stream.uniforms(at(0), 0, u);
    stream.uniforms(at(1), 0, v);
    for (std::size_t i = 0; i < kValues; ++i) {
      w[i] = std::sqrt(-2 * std::log(u[i])) * std::cos(2 * 3.141592653589793 * v[i]);
      u[i] = 0.9 + 0.1 * std::log(u[i]);
    }
    const RandomStream own(static_cast<std::uint64_t>(repeat));
    const auto covers = [&](const std::vector<double>& values, double mean) {
      const Interval i = mean_interval(values, own, 0, 0.95, 400);
      return i.low <= mean && mean <= i.high;
    };
    exponential += covers(u, 0.8);
    normal += covers(w, 0);
  }
  CHECK(exponential > (0.93 - slack) * kRepeats);
  CHECK(normal > (0.94 - slack) * kRepeats);
  CHECK(normal < (0.97 + slack) * kRepeats);
}

TEST_CASE("the interval of many values is that of their standard error, of few that of Student") {
  // Two quantiles of 2,000 replicates have a standard error of about 0.06 standard errors of the
  // mean; 5 sigma of each.
  const std::vector<double> values = ramp(100);
  Moments m;
  for (double x : values) m.add(x);
  const double error = m.deviation() / 10;
  const Interval interval = mean_interval(values, RandomStream(1), 0);
  CHECK(std::fabs(interval.low - (m.mean() - 1.984 * error)) < 5 * 0.06 * error);
  CHECK(std::fabs(interval.high - (m.mean() + 1.984 * error)) < 5 * 0.06 * error);
  // t = 4.30265 with two degrees of freedom.
  const Interval few = mean_interval(std::vector<double>{1, 2, 3}, RandomStream(1), 0);
  CHECK(few.low == doctest::Approx(2 - 4.30265 / std::sqrt(3.0)).epsilon(1e-5));
  CHECK(few.high == doctest::Approx(2 + 4.30265 / std::sqrt(3.0)).epsilon(1e-5));
  CHECK(!mean_interval(std::vector<double>{7}, RandomStream(1), 0).is_known());
  // One chip that is off among equal or nearly equal ones: resamples without it do not take the
  // interval beyond five times the standard error.
  std::vector<double> off(24, 0.91);
  for (std::size_t i = 0; i < off.size(); i += 2) off[i] = 0.9105;
  off.push_back(0.6);
  Moments spread;
  for (const double x : off) spread.add(x);
  const Interval outlier = mean_interval(off, RandomStream(1), 0);
  const double off_error = spread.deviation() / 5;
  CHECK(outlier.low > spread.mean() - 5.2 * off_error);
  CHECK(outlier.low < spread.mean() - 2 * off_error);
  CHECK(outlier.high < 0.925);
  const Interval same = mean_interval(std::vector<double>(6, 0.25), RandomStream(1), 0);
  CHECK(same.low == 0.25);
  CHECK(same.high == 0.25);
}

TEST_CASE("an interval depends on seed and statistic only") {
  const std::vector<double> values = ramp(10);
  const Interval a = mean_interval(values, RandomStream(1), 0);
  const Interval again = mean_interval(values, RandomStream(1), 0);
  CHECK(a.low == again.low);
  CHECK(a.high == again.high);
  CHECK(mean_interval(values, RandomStream(1), 1).low != a.low);
  const Interval inside = a.within({a.low, a.low});
  CHECK(inside.high == a.low);
  CHECK(!kUnknownInterval.within({0, 1}).is_known());
}

TEST_CASE("a mean is known where all values and most of them say so") {
  const RandomStream stream(1);
  const std::vector<double> values = ramp(100);
  const auto half = [&](std::size_t n) {
    const Interval i = mean_interval(std::span(values).first(n), stream, 0);
    return (i.high - i.low) / 2;
  };
  CHECK(half(80) != half(100));
  const double least = std::min(half(80), half(100)), most = std::max(half(80), half(100));
  CHECK(is_mean_known(values, most, stream, 0));
  CHECK(!is_mean_known(values, (least + most) / 2, stream, 0));
  CHECK(!is_mean_known(std::vector<double>{1}, 10, stream, 0));
}

TEST_CASE("the interval of a quantile has the ranks of the tables") {
  // Binomial(25, 1/2): P(at most 7) = .0216, so the median lies between the 8th and the 18th.
  const Interval median = quantile_interval(ramp(25), 0.5);
  CHECK(median.low == ramp(25)[7]);
  CHECK(median.high == ramp(25)[17]);
  // Binomial(25, .05): P(none) = .277, so nothing lies below; P(at most 3) = .966, of 4 .993.
  const Interval fifth = quantile_interval(ramp(25), 0.05);
  CHECK(std::isnan(fifth.low));
  CHECK(fifth.high == ramp(25)[4]);
  // Three groups of the same 25 members have the ranks of one.
  std::vector<double> three = ramp(25);
  for (int group = 0; group < 2; ++group)
    for (const double x : ramp(25)) three.push_back(x);
  CHECK(quantile_interval(three, 0.5, 0.95, 3).low == ramp(25)[7]);
  CHECK(quantile_interval(three, 0.5, 0.95, 3).high == ramp(25)[17]);
}

TEST_CASE("paired proportions have the interval of half a trial more in each outcome") {
  // 20 gained and 10 lost of 98: (20.5 - 10.5) / 100, variance (31 - 100 / 100) / 100^2.
  const Interval i = paired_interval(20, 10, 98);
  CHECK(i.low == doctest::Approx(0.1 - 1.959964 * std::sqrt(0.30) / 10).epsilon(1e-6));
  CHECK(i.high == doctest::Approx(0.1 + 1.959964 * std::sqrt(0.30) / 10).epsilon(1e-6));
  const Interval none = paired_interval(0, 0, 1998);
  CHECK(none.low == doctest::Approx(-1.959964 / 2000).epsilon(1e-6));
  CHECK(none.high == doctest::Approx(1.959964 / 2000).epsilon(1e-6));
}

TEST_CASE("the mean of new groups varies with the groups and with what their members share") {
  // Group means 1 and 3; t = 12.7062 with one degree of freedom. Members share nothing.
  const std::vector<double> apart{0, 2, 4, 2};
  const Interval i = new_group_interval(apart, 2, 2);
  CHECK(i.low == doctest::Approx(2 - 12.7062).epsilon(1e-5));
  CHECK(i.high == doctest::Approx(2 + 12.7062).epsilon(1e-5));
  // Group means 3 and 5, member means 2 and 6 of variance 8, no residual: 2 / 2 + 8 / 2.
  const std::vector<double> sharing{1, 5, 3, 7};
  CHECK(new_group_interval(sharing, 2, 2).high ==
        doctest::Approx(4 + 12.7062 * std::sqrt(5.0)).epsilon(1e-5));
  CHECK(!new_group_interval(apart, 1, 4).is_known());
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
          mean_interval(none, RandomStream(1), 0);
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
