#include "base/elementary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace e = ohmic::elementary;

namespace {

/// Distance in units in the last place of the exact value.
double ulps(double found, long double exact) {
  const double rounded = static_cast<double>(exact);
  const double ulp = std::nextafter(std::fabs(rounded), INFINITY) - std::fabs(rounded);
  return static_cast<double>(
      std::fabs((static_cast<long double>(found) - exact) / static_cast<long double>(ulp)));
}

}  // namespace

TEST_CASE(
    "exp, log, sin and cos are within 2 units in the last place of the C library's long double") {
  double worst_exp = 0, worst_log = 0, worst_sin = 0, worst_cos = 0;
  for (int i = -70000; i <= 70000; ++i) {
    const double x = i * 0.0100123;
    worst_exp = std::fmax(worst_exp, ulps(e::exp(x), std::exp(static_cast<long double>(x))));
    const double y = std::exp(x * 0.99);
    worst_log = std::fmax(worst_log, ulps(e::log(y), std::log(static_cast<long double>(y))));
    const double t = i * 0.00131;
    worst_sin = std::fmax(
        worst_sin,
        std::fabs(static_cast<double>(e::sin(t) - std::sin(static_cast<long double>(t)))));
    worst_cos = std::fmax(
        worst_cos,
        std::fabs(static_cast<double>(e::cos(t) - std::cos(static_cast<long double>(t)))));
  }
  for (int i = 1; i < 20000; ++i) {
    const double y = 1 + (i - 10000) * 1e-5;
    worst_log =
        std::fmax(worst_log, y == 1 ? std::fabs(e::log(y))
                                    : ulps(e::log(y), std::log(static_cast<long double>(y))));
  }
  CHECK(worst_exp < 2);
  CHECK(worst_log < 2);
  CHECK(worst_sin < 2.3e-16);
  CHECK(worst_cos < 2.3e-16);
}

TEST_CASE("the ends of the elementary functions are exact") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(e::exp(0) == 1);
  CHECK(e::exp(-1000) == 0);
  CHECK(e::exp(1000) == infinity);
  CHECK(e::log(1) == 0);
  CHECK(e::log(0) == -infinity);
  CHECK(std::isnan(e::log(-1)));
  CHECK(e::log(5e-324) == doctest::Approx(std::log(5e-324)).epsilon(1e-15));
  CHECK(e::exp(-740) == doctest::Approx(std::exp(-740.0)).epsilon(1e-10));
  CHECK(e::pow(2, 10) == doctest::Approx(1024).epsilon(1e-14));
}

TEST_CASE("the normal distribution function equals erfc to 1e-14") {
  for (double x = -8; x <= 8; x += 0.037) {
    CHECK(e::normal_cdf(x) == doctest::Approx(0.5 * std::erfc(-x / std::sqrt(2.0))).epsilon(1e-14));
    CHECK(std::fabs(e::normal_pdf(x) -
                    std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846)) < 1e-15);
  }
}
