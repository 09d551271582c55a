#pragma once

/// The polynomials behind normal numbers in single precision, for one number or a vector of them.
/// Coefficients: Cephes mathematical library (S. L. Moshier), logf, sinf, cosf. No fused
/// operations: every level yields the same bits. Internal linkage, because each level compiles its
/// own copy.
namespace {

/// log(1 + x) without its exponent part, x = m - 1 for m in [sqrt(1/2), sqrt(2)); e is the binary
/// exponent.
template <class F>
inline F log_polynomial(F x, F e) {
  const F z = x * x;
  F y = 7.0376836292E-2f * x + -1.1514610310E-1f;
  y = y * x + 1.1676998740E-1f;
  y = y * x + -1.2420140846E-1f;
  y = y * x + 1.4249322787E-1f;
  y = y * x + -1.6668057665E-1f;
  y = y * x + 2.0000714765E-1f;
  y = y * x + -2.4999993993E-1f;
  y = y * x + 3.3333331174E-1f;
  y = y * x * z;
  y = y + e * -2.12194440e-4f;
  y = y + z * -0.5f;
  return x + y + e * 0.693359375f;
}

/// sin(x) and cos(x) for |x| <= pi/4.
template <class F>
inline F sin_polynomial(F x) {
  const F z = x * x;
  F y = -1.9515295891E-4f * z + 8.3321608736E-3f;
  y = y * z + -1.6666654611E-1f;
  return y * z * x + x;
}
template <class F>
inline F cos_polynomial(F x) {
  const F z = x * x;
  F y = 2.443315711809948E-5f * z + -1.388731625493765E-3f;
  y = y * z + 4.166664568298827E-2f;
  return y * z * z + z * -0.5f + 1.0f;
}

}  // namespace
