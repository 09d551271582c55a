#include "sim/converters.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace ohmic;
using namespace ohmic::sim;

namespace {

Histogram histogram_of(const std::vector<float>& values) {
  Histogram h;
  h.add(values.data(), static_cast<Index>(values.size()));
  return h;
}

}  // namespace

TEST_CASE("a histogram's quantiles are right to one part in a thousand, its maximum exactly") {
  std::vector<float> values;
  for (int i = 1; i <= 10000; ++i)
    values.push_back((i % 2 ? 1.f : -1.f) * 1e-5f * static_cast<float>(i));
  const Histogram h = histogram_of(values);
  CHECK(h.count() == 10000);
  CHECK(h.max() == std::fabs(values.back()));
  for (const double p : {0.01, 0.5, 0.9, 0.999})
    CHECK(h.quantile(p) == doctest::Approx(0.1 * p).epsilon(2e-3));
  CHECK(h.quantile(1.0) == h.max());
  Histogram merged = histogram_of({values.begin(), values.begin() + 3000});
  merged.merge(histogram_of({values.begin() + 3000, values.end()}));
  for (const double p : {0.01, 0.5, 0.9, 0.999}) CHECK(merged.quantile(p) == h.quantile(p));
  CHECK(Histogram().quantile(0.5) == 0);
}

TEST_CASE(
    "a DAC is unsigned where calibration saw no negative input, and its limit follows the rule") {
  const Histogram seen = histogram_of({0.5f, 1.0f, 2.0f, 4.0f});
  CHECK(calibrated_dac({}, seen, false).quantiser.low() == 0);
  CHECK(calibrated_dac({}, seen, false).quantiser.levels() == 256);
  CHECK(calibrated_dac({}, seen, true).quantiser.low() == -4);
  CHECK(calibrated_dac({}, seen, true).quantiser.levels() == 255);
  CHECK(calibrated_dac({.bits = 4, .zero = false}, seen, true).quantiser.levels() == 16);
  CHECK(calibrated_dac({.range = DacRange::fixed, .limit = 3}, seen, false).limit == 3);
  CHECK(calibrated_dac({.range = DacRange::percentile, .percentile = 0.5}, seen, false).limit ==
        doctest::Approx(1.0).epsilon(2e-3));
  CHECK(calibrated_dac({.bits = std::nullopt}, seen, true).quantiser.is_ideal());
  CHECK(calibrated_dac({.bits = std::nullopt}, seen, true).limit == 4);
  CHECK(calibrated_dac({}, Histogram(), false).limit == 1);
}

TEST_CASE(
    "an ADC's range is the percentile, the full scale, the fixed one or the one of least squared "
    "error") {
  std::vector<float> currents;
  for (int i = 0; i < 100000; ++i) currents.push_back(1e-6f * static_cast<float>(i % 1000) / 1000);
  currents.push_back(1e-5f);  // an outlier
  const Histogram seen = histogram_of(currents);
  CHECK(calibrated_adc({}, seen, true, 1).high() == doctest::Approx(0.999e-6).epsilon(3e-3));
  CHECK(calibrated_adc({.range = AdcRange::full_scale}, seen, true, 3e-5).high() == 3e-5);
  const Quantiser fixed =
      calibrated_adc({.range = AdcRange::fixed, .low = -1e-6, .high = 3e-6}, seen, true, 1);
  CHECK(fixed.low() == -1e-6);
  CHECK(fixed.high() == 3e-6);
  CHECK(fixed.levels() == 256);
  // At 6 bits one outlier in 1e5 is not worth the range: the least-squares limit stays near the
  // bulk, and no candidate is better (checked against a search of our own over the raw values).
  const Quantiser least =
      calibrated_adc({.bits = 6, .range = AdcRange::least_squares}, seen, true, 1);
  const auto error_at = [&](double limit) {
    const Quantiser q(-limit, limit, 63);
    double sum = 0;
    for (const float i : currents) sum += (i - q(i)) * (i - q(i));
    return sum;
  };
  CHECK(least.high() < 3e-6);
  for (int k = 1; k <= 50; ++k) CHECK(error_at(least.high()) <= error_at(1e-5 * k / 50) * 1.01);
  CHECK(calibrated_adc({.bits = std::nullopt}, seen, true, 1).is_ideal());
  CHECK(calibrated_adc({.zero = false}, seen, true, 1).levels() == 256);
  CHECK(calibrated_adc({}, seen, false, 1).low() == 0);
}

TEST_CASE("a signed converter with a zero level gives exactly zero for zero") {
  const Quantiser q = make_quantiser(8, true, true, 0.37);
  const float zero = 0;
  float code = 1;
  kernels().f32.quantise(1, &zero, q.codes<float>(1e-3), &code);
  CHECK(code == 0);
}
