#include "base/elementary.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ohmic::elementary {
namespace {

// ln 2 and pi/2 in two parts, the first short enough that small multiples of it are exact.
constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
constexpr double kHalfPiHigh = 1.57079632673412561417e+00,
                 kHalfPiMiddle = 6.07710050630396597660e-11,
                 kHalfPiLow = 2.02226624879595063154e-21;

double scaled(double x, int exponent) {
  const auto power = [](int e) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
  };
  if (exponent < -1000) return x * power(exponent + 600) * power(-600);
  if (exponent > 1000) return x * power(exponent - 600) * power(600);
  return x * power(exponent);
}

/// Taylor series of sin and cos for |x| <= pi/4: the first omitted term is below 2^-60.
double sin_series(double x) {
  const double z = x * x;
  double sum = 1.0 / 355687428096000.0;
  sum = sum * z - 1.0 / 1307674368000.0;
  sum = sum * z + 1.0 / 6227020800.0;
  sum = sum * z - 1.0 / 39916800.0;
  sum = sum * z + 1.0 / 362880.0;
  sum = sum * z - 1.0 / 5040.0;
  sum = sum * z + 1.0 / 120.0;
  sum = sum * z - 1.0 / 6.0;
  return x + x * z * sum;
}
double cos_series(double x) {
  const double z = x * x;
  double sum = 1.0 / 20922789888000.0;
  sum = sum * z - 1.0 / 87178291200.0;
  sum = sum * z + 1.0 / 479001600.0;
  sum = sum * z - 1.0 / 3628800.0;
  sum = sum * z + 1.0 / 40320.0;
  sum = sum * z - 1.0 / 720.0;
  sum = sum * z + 1.0 / 24.0;
  const double half = 0.5 * z, rest = 1.0 - half;
  return rest + (((1.0 - rest) - half) + z * z * sum);
}

double circular(double x, std::int64_t quarter_turns) {
  const auto n = static_cast<std::int64_t>(std::nearbyint(x * 0.63661977236758134308));
  const auto k = static_cast<double>(n);
  const double r = ((x - k * kHalfPiHigh) - k * kHalfPiMiddle) - k * kHalfPiLow;
  switch ((n + quarter_turns) & 3) {
    case 0:
      return sin_series(r);
    case 1:
      return cos_series(r);
    case 2:
      return -sin_series(r);
    default:
      return -cos_series(r);
  }
}

}  // namespace

double exp(double x) {
  if (x != x) return x;
  if (x > 709.782712893384) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0.0;
  const double k = std::nearbyint(x * 1.44269504088896338700);
  const double high = x - k * kLn2High, low = k * kLn2Low;
  const double r = high - low;  // |r| <= ln(2)/2
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  const double tail = (high - r) - low;  // what rounding took from r
  return scaled(1.0 + (r + (r * r * sum + tail)), static_cast<int>(k));
}

double log(double x) {
  if (x != x || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (x == std::numeric_limits<double>::infinity()) return x;
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 atanh(s), s = f / (2 + f), arranged so that f itself enters unrounded.
  const double f = m - 1.0, s = f / (2.0 + f), z = s * s;
  double sum = 2.0 / 23.0;
  sum = sum * z + 2.0 / 21.0;
  sum = sum * z + 2.0 / 19.0;
  sum = sum * z + 2.0 / 17.0;
  sum = sum * z + 2.0 / 15.0;
  sum = sum * z + 2.0 / 13.0;
  sum = sum * z + 2.0 / 11.0;
  sum = sum * z + 2.0 / 9.0;
  sum = sum * z + 2.0 / 7.0;
  sum = sum * z + 2.0 / 5.0;
  sum = sum * z + 2.0 / 3.0;
  sum = sum * z;
  const double half_square = 0.5 * f * f, k = exponent;
  return k * kLn2High - ((half_square - (s * (half_square + sum) + k * kLn2Low)) - f);
}

double sin(double x) { return circular(x, 0); }
double cos(double x) { return circular(x, 1); }

double normal_pdf(double x) { return 0.39894228040143267794 * exp(-0.5 * x * x); }

double normal_cdf(double x) {
  if (x < -9) return 0.0;
  if (x > 9) return 1.0;
  // Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...) (Abramowitz and Stegun 26.2.11); all terms
  // have one sign.
  double term = x, sum = x;
  for (int k = 1; std::fabs(term) > 1e-17 * std::fabs(sum) && k < 400; ++k) {
    term *= x * x / (2 * k + 1);
    sum += term;
  }
  return 0.5 + normal_pdf(x) * sum;
}

double pow(double x, double y) { return exp(y * log(x)); }

}  // namespace ohmic::elementary
