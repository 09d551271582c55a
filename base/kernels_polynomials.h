#pragma once

/// The polynomials behind normal numbers in single precision, for one number or a vector of them,
/// and the series behind exponential factors in double precision.
/// `fused(a, b, c)` is a * b + c, rounded once where the level can. Coefficients: minimax fits
/// (Lawson's iteration), relative errors 3.0e-8 (log) and 6.1e-9 (sin), absolute 5.3e-8 (cos).
/// Internal linkage, because each level compiles its own copy.
namespace {

/// -2 log((1 + x) 2^e) for x in [sqrt(1/2) - 1, sqrt(2) - 1].
template <class F, class Fused>
inline F minus_two_log(F x, F e, Fused fused) {
  const F zero{};
  F y = fused(x, zero - 0.17469692f, zero + 0.28615054f);
  y = fused(y, x, zero - 0.2983595f);
  y = fused(y, x, zero + 0.33141015f);
  y = fused(y, x, zero - 0.39924144f);
  y = fused(y, x, zero + 0.5000351f);
  y = fused(y, x, zero - 0.666679f);
  y = fused(y, x, zero + 0.99999983f);
  y = fused(y, x, zero - 2.0f);
  return fused(e, zero - 1.3862944f, y * x);  // -2 ln 2
}

/// sin(x) and cos(x) for |x| <= pi/2.
template <class F, class Fused>
inline F sin_polynomial(F x, Fused fused) {
  const F zero{}, z = x * x;
  F y = fused(z, zero + 2.6057805e-6f, zero - 1.980960284e-4f);
  y = fused(y, z, zero + 8.333066245e-3f);
  y = fused(y, z, zero - 0.1666665955f);
  return fused(y, z * x, x);
}
template <class F, class Fused>
inline F cos_polynomial(F x, Fused fused) {
  const F zero{}, z = x * x;
  F y = fused(z, zero + 2.3194385e-5f, zero - 1.3855927e-3f);
  y = fused(y, z, zero + 4.1663989e-2f);
  y = fused(y, z, zero - 0.4999993229f);
  return fused(y, z, zero + 1.0f);
}

/// e^x = 2^k e^r, k = round(x / ln 2), |r| <= ln 2 / 2: Taylor's series to r^10, whose rest is
/// below 2.2e-13 of the sum: a factor that becomes a float needs no more.
constexpr double kLog2E = 1.44269504088896338700, kLn2High = 6.93147180369123816490e-01,
                 kLn2Low = 1.90821492927058770002e-10;
constexpr int kExponentialTerms = 11;
constexpr double kExponentialSeries[kExponentialTerms] = {
    1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0,
    1.0 / 24.0,      1.0 / 6.0,      0.5,           1.0,          1.0};

}  // namespace
