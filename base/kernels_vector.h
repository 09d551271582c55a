#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdint>

/// The vectors of the level that this translation unit is compiled for. Internal linkage
/// throughout: a function that the linker could merge would exist once for all levels.
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

typedef float VectorF __attribute__((vector_size(kVectorBytes)));
typedef float HalfF __attribute__((vector_size(kVectorBytes / 2)));
typedef double VectorD __attribute__((vector_size(kVectorBytes)));
typedef std::int32_t VectorI __attribute__((vector_size(kVectorBytes)));
typedef std::uint32_t VectorU __attribute__((vector_size(kVectorBytes)));
typedef std::uint64_t VectorL __attribute__((vector_size(kVectorBytes)));

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using type = VectorF;
  using mask = VectorI;
};
template <>
struct VectorOf<double> {
  using type = VectorD;
  typedef std::int64_t mask __attribute__((vector_size(kVectorBytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;
template <class T>
constexpr int kWidth = kVectorBytes / static_cast<int>(sizeof(T));

template <class V, class T>
inline V load(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T>
inline void store(T* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// a * b + c, rounded once where the level can.
inline VectorF fused(VectorF a, VectorF b, VectorF c) {
#if defined(__AVX512F__)
  return reinterpret_cast<VectorF>(_mm512_fmadd_ps(
      reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
  return reinterpret_cast<VectorF>(_mm256_fmadd_ps(
      reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#else
  return a * b + c;
#endif
}
inline VectorD fused(VectorD a, VectorD b, VectorD c) {
#if defined(__AVX512F__)
  return reinterpret_cast<VectorD>(_mm512_fmadd_pd(
      reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b), reinterpret_cast<__m512d>(c)));
#elif defined(__FMA__)
  return reinterpret_cast<VectorD>(_mm256_fmadd_pd(
      reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b), reinterpret_cast<__m256d>(c)));
#else
  return a * b + c;
#endif
}

inline VectorF square_root_of(VectorF x) {
#if defined(__AVX512F__)
  return reinterpret_cast<VectorF>(_mm512_sqrt_ps(reinterpret_cast<__m512>(x)));
#elif defined(__AVX2__)
  return reinterpret_cast<VectorF>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#elif defined(__SSE2__)
  return reinterpret_cast<VectorF>(_mm_sqrt_ps(reinterpret_cast<__m128>(x)));
#else
  for (int i = 0; i < kWidth<float>; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

/// The full products of the low 32 bits of each 64-bit lane.
inline VectorL multiply_low_halves(VectorL a, VectorL b) {
#if defined(__AVX512F__)
  return reinterpret_cast<VectorL>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<VectorL>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<VectorL>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

inline VectorD widened(HalfF x) {
#if defined(__AVX512F__)
  return reinterpret_cast<VectorD>(_mm512_cvtps_pd(reinterpret_cast<__m256>(x)));
#elif defined(__AVX2__)
  return reinterpret_cast<VectorD>(_mm256_cvtps_pd(reinterpret_cast<__m128>(x)));
#else
  return __builtin_convertvector(x, VectorD);
#endif
}
inline HalfF narrowed(VectorD x) {
#if defined(__AVX512F__)
  return reinterpret_cast<HalfF>(_mm512_cvtpd_ps(reinterpret_cast<__m512d>(x)));
#elif defined(__AVX2__)
  return reinterpret_cast<HalfF>(_mm256_cvtpd_ps(reinterpret_cast<__m256d>(x)));
#else
  return __builtin_convertvector(x, HalfF);
#endif
}

/// 0, 1, 2, ...
inline VectorL counting_lanes() {
  VectorL lanes = {};
  for (int i = 0; i < kWidth<double>; ++i) lanes[i] = static_cast<std::uint64_t>(i);
  return lanes;
}

/// The low 32 bits of the lanes of a, then of b.
inline VectorU low_halves(VectorL a, VectorL b) {
  const VectorU x = reinterpret_cast<VectorU>(a), y = reinterpret_cast<VectorU>(b);
#if defined(__AVX512F__)
  return __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
#elif defined(__AVX2__)
  return __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14);
#else
  return __builtin_shufflevector(x, y, 0, 2, 4, 6);
#endif
}

/// a0 b0 a1 b1 ... in two vectors.
inline void interleave(VectorF a, VectorF b, VectorF to[2]) {
#if defined(__AVX512F__)
  to[0] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  to[1] =
      __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif defined(__AVX2__)
  to[0] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  to[1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  to[0] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  to[1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

inline void interleave(VectorD a, VectorD b, VectorD to[2]) {
#if defined(__AVX512F__)
  to[0] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  to[1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX2__)
  to[0] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  to[1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
  to[0] = __builtin_shufflevector(a, b, 0, 2);
  to[1] = __builtin_shufflevector(a, b, 1, 3);
#endif
}

/// Rounds to the nearest whole number, ties to even, for |x| < 2^22 (double: 2^51): adding 1.5 *
/// 2^23 (2^52) leaves no fraction bits.
template <class V>
inline V round_to_even(V x, float) {
  const float magic = 12582912.0f;
  return (x + magic) - magic;
}
template <class V>
inline V round_to_even(V x, double) {
  const double magic = 6755399441055744.0;
  return (x + magic) - magic;
}

}  // namespace
