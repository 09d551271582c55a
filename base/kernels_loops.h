#pragma once

#include "base/kernels.h"
#include "base/kernels_panels.h"
#include "base/kernels_polynomials.h"
#include "base/kernels_vector.h"
#include "base/kernels_winograd.h"

/// The hot loops, written once; kernels_v2.cpp, _v3, _v4 and _generic compile them. Register tiles
/// are sized so that accumulators stay in registers: 32 of them at v4, 16 below.
namespace {

using ohmic::CodeRange;
using ohmic::kLanes;
using Extent = std::ptrdiff_t;

constexpr bool kWide = kVectorBytes == 64;

template <class T, int kOutputs>
inline void product_rows(Extent rows, const T* a, Extent a_stride, const T* x,
                         const std::int32_t* row_offset, T* y, Extent y_stride) {
  using V = Vector<T>;
  constexpr int kVectors = kWide ? 4 : 2;
  constexpr int kStep = kVectors * kWidth<T>;
  for (Extent lane = 0; lane < kLanes; lane += kStep) {
    V sum[kOutputs][kVectors] = {};
    for (Extent r = 0; r < rows; ++r) {
      const T* x_row = x + row_offset[r] + lane;
      V value[kVectors];
      for (int v = 0; v < kVectors; ++v) value[v] = load<V>(x_row + v * kWidth<T>);
      for (int o = 0; o < kOutputs; ++o) {
        const V weight = a[o * a_stride + r] - V{};
        for (int v = 0; v < kVectors; ++v) sum[o][v] = fused(weight, value[v], sum[o][v]);
      }
    }
    for (int o = 0; o < kOutputs; ++o)
      for (int v = 0; v < kVectors; ++v) store(y + o * y_stride + lane + v * kWidth<T>, sum[o][v]);
  }
}

template <class T>
void lane_product(Extent outputs, Extent rows, const T* a, Extent a_stride, const T* x,
                  const std::int32_t* row_offset, T* y, Extent y_stride) {
  Extent o = 0;
  for (; o + 6 <= outputs; o += 6)
    product_rows<T, 6>(rows, a + o * a_stride, a_stride, x, row_offset, y + o * y_stride, y_stride);
  a += o * a_stride;
  y += o * y_stride;
  switch (outputs - o) {
    case 5:
      return product_rows<T, 5>(rows, a, a_stride, x, row_offset, y, y_stride);
    case 4:
      return product_rows<T, 4>(rows, a, a_stride, x, row_offset, y, y_stride);
    case 3:
      return product_rows<T, 3>(rows, a, a_stride, x, row_offset, y, y_stride);
    case 2:
      return product_rows<T, 2>(rows, a, a_stride, x, row_offset, y, y_stride);
    case 1:
      return product_rows<T, 1>(rows, a, a_stride, x, row_offset, y, y_stride);
    default:
      return;
  }
}

/// Lanes summed side by side in a gradient: one count for all levels, so that their bits agree.
template <class T>
constexpr int kGroup = 64 / static_cast<int>(sizeof(T));

template <class T, int kOutputs, int kRows>
inline void gradient_tile(Extent positions, const T* dy, Extent dy_stride, const T* x,
                          const std::int32_t* row_offset, const std::int32_t* position_offset,
                          T* dw, Extent dw_stride) {
  using V = Vector<T>;
  constexpr int kVectors = kGroup<T> / kWidth<T>;
  V sum[kOutputs][kRows][kVectors] = {};
  for (Extent p = 0; p < positions; ++p) {
    const T* x_at = x + position_offset[p];
    const T* dy_at = dy + p * kLanes;
    for (Extent lane = 0; lane < kLanes; lane += kGroup<T>) {
      V slope[kOutputs][kVectors];
      for (int o = 0; o < kOutputs; ++o)
        for (int v = 0; v < kVectors; ++v)
          slope[o][v] = load<V>(dy_at + o * dy_stride + lane + v * kWidth<T>);
      for (int r = 0; r < kRows; ++r)
        for (int v = 0; v < kVectors; ++v) {
          const V value = load<V>(x_at + row_offset[r] + lane + v * kWidth<T>);
          for (int o = 0; o < kOutputs; ++o) sum[o][r][v] = fused(slope[o][v], value, sum[o][r][v]);
        }
    }
  }
  for (int o = 0; o < kOutputs; ++o)
    for (int r = 0; r < kRows; ++r) {
      T lanes[kGroup<T>];
      for (int v = 0; v < kVectors; ++v) store(lanes + v * kWidth<T>, sum[o][r][v]);
      for (int half = kGroup<T> / 2; half >= 1; half /= 2)
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
      dw[o * dw_stride + r] += lanes[0];
    }
}

template <class T, int kOutputs, int kRows>
inline Extent gradient_rows(Extent r, Extent rows, Extent positions, const T* dy, Extent dy_stride,
                            const T* x, const std::int32_t* row_offset,
                            const std::int32_t* position_offset, T* dw, Extent dw_stride) {
  for (; r + kRows <= rows; r += kRows)
    gradient_tile<T, kOutputs, kRows>(positions, dy, dy_stride, x, row_offset + r, position_offset,
                                      dw + r, dw_stride);
  if constexpr (kRows > 1)
    r = gradient_rows<T, kOutputs, kRows / 2>(r, rows, positions, dy, dy_stride, x, row_offset,
                                              position_offset, dw, dw_stride);
  return r;
}

template <class T>
void lane_gradient(Extent outputs, Extent rows, Extent positions, const T* dy, Extent dy_stride,
                   const T* x, const std::int32_t* row_offset, const std::int32_t* position_offset,
                   T* dw, Extent dw_stride) {
  constexpr int kRows = kVectorBytes == 64 ? 8 : kVectorBytes == 32 ? 2 : 1;
  Extent o = 0;
  for (; o + 3 <= outputs; o += 3)
    gradient_rows<T, 3, kRows>(0, rows, positions, dy + o * dy_stride, dy_stride, x, row_offset,
                               position_offset, dw + o * dw_stride, dw_stride);
  for (; o < outputs; ++o)
    gradient_rows<T, 1, kRows>(0, rows, positions, dy + o * dy_stride, dy_stride, x, row_offset,
                               position_offset, dw + o * dw_stride, dw_stride);
}

template <class T>
inline T code_of(T x, CodeRange<T> range, std::int64_t& beyond) {
  const T t = x * range.scale - range.shift;
  beyond += (t < range.low - T(0.5)) | (t > range.high + T(0.5));
  const T low = t < range.low ? range.low : t;
  const T clipped = low > range.high ? range.high : low;
  return round_to_even(clipped, T()) + range.shift;
}

/// Codes of a whole vector; adds the lanes beyond the range to `beyond`.
template <class T>
inline Vector<T> codes_of(Vector<T> x, CodeRange<T> range, typename VectorOf<T>::mask& beyond) {
  using V = Vector<T>;
  const V low = V{} + range.low, high = V{} + range.high;
  const V t = x * range.scale - range.shift;
  beyond -= (t < low - T(0.5)) | (t > high + T(0.5));
  const V at_least = t < low ? low : t;
  const V clipped = at_least > high ? high : at_least;
  return round_to_even(clipped, T()) + range.shift;
}

template <class M>
inline std::int64_t sum_of(M counts) {
  std::int64_t total = 0;
  for (unsigned i = 0; i < sizeof(M) / sizeof(counts[0]); ++i) total += counts[i];
  return total;
}

template <class T>
std::int64_t quantise(Extent n, const T* x, CodeRange<T> range, T* codes) {
  typename VectorOf<T>::mask beyond{};
  Extent i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>)
    store(codes + i, codes_of<T>(load<Vector<T>>(x + i), range, beyond));
  std::int64_t total = sum_of(beyond);
  for (; i < n; ++i) codes[i] = code_of(x[i], range, total);
  return total;
}

template <class T>
std::int64_t quantise_accumulate(Extent n, const T* x, CodeRange<T> range, T step, T* y) {
  typename VectorOf<T>::mask beyond{};
  Extent i = 0;
  for (; i + kWidth<T> <= n; i += kWidth<T>)
    store(y + i,
          load<Vector<T>>(y + i) + codes_of<T>(load<Vector<T>>(x + i), range, beyond) * step);
  std::int64_t total = sum_of(beyond);
  for (; i < n; ++i) y[i] += code_of(x[i], range, total) * step;
  return total;
}

template <class T>
void accumulate(Extent n, const T* x, T factor, T* y) {
  for (Extent i = 0; i < n; ++i) y[i] += x[i] * factor;
}

void lane_square_sum(Extent rows, const float* x, const std::int32_t* row_offset, float* y) {
  constexpr int kVectors = kWide ? 4 : 8;
  constexpr int kStep = kVectors * kWidth<float>;
  for (Extent lane = 0; lane < kLanes; lane += kStep) {
    VectorF sum[kVectors] = {};
    for (Extent r = 0; r < rows; ++r)
      for (int v = 0; v < kVectors; ++v) {
        const VectorF value = load<VectorF>(x + row_offset[r] + lane + v * kWidth<float>);
        sum[v] = fused(value, value, sum[v]);
      }
    for (int v = 0; v < kVectors; ++v) store(y + lane + v * kWidth<float>, sum[v]);
  }
}

void square_root(Extent n, const float* x, float* y) {
  Extent i = 0;
  for (; i + kWidth<float> <= n; i += kWidth<float>)
    store(y + i, square_root_of(load<VectorF>(x + i)));
  for (; i < n; ++i) y[i] = __builtin_sqrtf(x[i]);
}

void multiply_accumulate(Extent n, const float* a, const float* b, float* y) {
  for (Extent i = 0; i < n; ++i) y[i] += a[i] * b[i];
}

/// x[i] -> e^x[i] for |x| <= 700. Several vectors side by side, because each step waits for the one
/// before.
template <int N>
inline void exponentials(VectorD x[N]) {
  VectorD k[N], r[N], sum[N];
  for (int i = 0; i < N; ++i) {
    k[i] = round_to_even(x[i] * kLog2E, 0.0);
    r[i] = fused(k[i], VectorD{} - kLn2High, x[i]);
    r[i] = fused(k[i], VectorD{} - kLn2Low, r[i]);
    sum[i] = VectorD{} + kExponentialSeries[0];
  }
  for (int term = 1; term < kExponentialTerms; ++term)
    for (int i = 0; i < N; ++i) sum[i] = fused(sum[i], r[i], VectorD{} + kExponentialSeries[term]);
  for (int i = 0; i < N; ++i) {
    // k + 1.5 * 2^52 has k in its lowest bits; shifted up, they are the exponent of 2^k.
    const VectorL power =
        (reinterpret_cast<VectorL>(k[i] + 6755399441055744.0) << 52) + (std::uint64_t{1023} << 52);
    x[i] = sum[i] * reinterpret_cast<VectorD>(power);
  }
}

/// A run of N vectors.
template <int N>
inline void multiply_exponential_run(const float* x, double a, const float* za, double b,
                                     const float* zb, double shift, float* out) {
  constexpr int kStep = kWidth<double>;
  VectorD factor[N];
  for (int i = 0; i < N; ++i) {
    factor[i] = widened(load<HalfF>(za + i * kStep)) * a;
    if (zb) factor[i] += widened(load<HalfF>(zb + i * kStep)) * b;
    factor[i] += shift;
  }
  exponentials<N>(factor);
  for (int i = 0; i < N; ++i)
    store(out + i * kStep, narrowed(widened(load<HalfF>(x + i * kStep)) * factor[i]));
}

void multiply_exponential(Extent n, const float* x, double a, const float* za, double b,
                          const float* zb, double shift, float* out) {
  constexpr int kRun = 4, kStep = kRun * kWidth<double>;
  Extent i = 0;
  for (; i + kStep <= n; i += kStep)
    multiply_exponential_run<kRun>(x + i, a, za + i, b, zb ? zb + i : nullptr, shift, out + i);
  if (i == n) return;
  float from[kStep] = {}, first[kStep] = {}, second[kStep] = {}, to[kStep];
  for (Extent r = i; r < n; ++r) {
    from[r - i] = x[r];
    first[r - i] = za[r];
    if (zb) second[r - i] = zb[r];
  }
  multiply_exponential_run<kRun>(from, a, first, b, zb ? second : nullptr, shift, to);
  for (Extent r = i; r < n; ++r) out[r] = to[r - i];
}

/// Ten rounds of Philox4x32 (constants: Salmon et al., SC 2011) on two sets of blocks in 64-bit
/// lanes, whose chains of products run side by side; the high halves may hold anything.
inline void philox_rounds(VectorL c[2][4], const VectorL keys[10][2]) {
  const VectorL m0 = VectorL{} + 0xD2511F53u, m1 = VectorL{} + 0xCD9E8D57u;
  for (int round = 0; round < 10; ++round) {
    for (int set = 0; set < 2; ++set) {
      const VectorL p0 = multiply_low_halves(c[set][0], m0),
                    p1 = multiply_low_halves(c[set][2], m1);
      c[set][0] = (p1 >> 32) ^ c[set][1] ^ keys[round][0];
      c[set][1] = p1;
      c[set][2] = (p0 >> 32) ^ c[set][3] ^ keys[round][1];
      c[set][3] = p0;
    }
  }
}

/// The keys of the rounds, in every lane.
struct RoundKeys {
  VectorL of[10][2];
  explicit RoundKeys(const std::uint32_t key[2]) {
    std::uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; ++round) {
      of[round][0] = VectorL{} + k0;
      of[round][1] = VectorL{} + k1;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }
};

/// Box-Muller: two normals from two words. The angle's top bit is a half turn, the rest an angle
/// within a quarter turn of 0: the reduction is exact.
inline void box_muller(VectorU radius_word, VectorU angle_word, VectorF& z0, VectorF& z1) {
  const auto fuse = [](VectorF a, VectorF b, VectorF c) { return fused(a, b, c); };
  const VectorF upper =
      __builtin_convertvector(reinterpret_cast<VectorI>(radius_word >> 16), VectorF);
  const VectorF lower =
      __builtin_convertvector(reinterpret_cast<VectorI>(radius_word & 0xffffu), VectorF);
  const VectorF u = fused(upper, VectorF{} + 65536.0f, lower + 0.5f);  // in (0, 2^32]
  VectorI bits = reinterpret_cast<VectorI>(u);
  // Moves the mantissa into [sqrt(1/2), sqrt(2)): 0x3f3504f3 is sqrt(1/2).
  const VectorI shifted = bits - 0x3f3504f3;
  const VectorI exponent = (shifted >> 23) - 32;
  bits = (shifted & 0x007fffff) + 0x3f3504f3;
  const VectorF radius = square_root_of(minus_two_log(
      reinterpret_cast<VectorF>(bits) - 1.0f, __builtin_convertvector(exponent, VectorF), fuse));

  const VectorI quarter = reinterpret_cast<VectorI>(angle_word << 1);
  const VectorF angle = __builtin_convertvector(quarter, VectorF) * 7.3145904e-10f;  // pi / 2^32
  const VectorF turned =
      reinterpret_cast<VectorF>(reinterpret_cast<VectorU>(radius) ^ (angle_word & 0x80000000u));
  z0 = cos_polynomial(angle, fuse) * turned;
  z1 = sin_polynomial(angle, fuse) * turned;
}

/// The words of kWidth<float> blocks whose word `word` counts up from the given counter.
inline void random_blocks(const std::uint32_t counter[4], int word, std::uint32_t step,
                          const RoundKeys& keys, VectorU words[4]) {
  constexpr int kHalf = kWidth<float> / 2;
  VectorL c[2][4];
  for (int set = 0; set < 2; ++set) {
    for (int w = 0; w < 4; ++w) c[set][w] = VectorL{} + counter[w];
    // 32-bit sums that wrap, in 64-bit lanes: what is above the low half does not count.
    c[set][word] += counting_lanes() +
                    (static_cast<std::uint64_t>(step) + static_cast<std::uint64_t>(set * kHalf));
  }
  philox_rounds(c, keys.of);
  for (int w = 0; w < 4; ++w) words[w] = low_halves(c[0][w], c[1][w]);
}

/// z[i] holds normal i of every block.
inline void normals_of(const VectorU words[4], VectorF z[4]) {
  box_muller(words[0], words[1], z[0], z[1]);
  box_muller(words[2], words[3], z[2], z[3]);
}

// Groups of blocks whose words are made before their normals: two short loops keep more of the
// processor busy than one long chain.
constexpr int kGroups = 4;

void normals(const std::uint32_t counter[4], const std::uint32_t key[2], std::uint64_t first,
             std::size_t n, float* out) {
  constexpr int kBlocks = kWidth<float>;
  const std::uint64_t end = first + n;
  const RoundKeys keys(key);
  VectorU words[kGroups][4];
  for (std::uint64_t chunk = first >> 2; chunk * 4 < end; chunk += kGroups * kBlocks) {
    const std::uint64_t left = (end + 3) / 4 - chunk;
    const int groups =
        left >= kGroups * kBlocks ? kGroups : static_cast<int>((left + kBlocks - 1) / kBlocks);
    for (int g = 0; g < groups; ++g)
      random_blocks(counter, 0,
                    static_cast<std::uint32_t>(chunk) + static_cast<std::uint32_t>(g * kBlocks),
                    keys, words[g]);
    for (int g = 0; g < groups; ++g) {
      const std::uint64_t block = chunk + static_cast<std::uint64_t>(g * kBlocks);
      VectorF z[4], even[2], odd[2], all[4];
      normals_of(words[g], z);
      // Element 4 b + i is normal i of block b.
      interleave(z[0], z[2], even);
      interleave(z[1], z[3], odd);
      interleave(even[0], odd[0], all);
      interleave(even[1], odd[1], all + 2);
      if (block * 4 >= first && (block + kBlocks) * 4 <= end) {
        for (int v = 0; v < 4; ++v) store(out + (block * 4 - first) + v * kWidth<float>, all[v]);
        continue;
      }
      float row[4 * kBlocks];
      for (int v = 0; v < 4; ++v) store(row + v * kWidth<float>, all[v]);
      const std::uint64_t from = block * 4 > first ? block * 4 : first;
      const std::uint64_t to = (block + kBlocks) * 4 < end ? (block + kBlocks) * 4 : end;
      for (std::uint64_t e = from; e < to; ++e) out[e - first] = row[e - block * 4];
    }
  }
}

void lane_normals(const std::uint32_t counter[4], int lane_word, const std::uint32_t key[2],
                  float* out) {
  constexpr int kAll = static_cast<int>(kLanes) / kWidth<float>;
  const RoundKeys keys(key);
  VectorU words[kAll][4];
  for (int g = 0; g < kAll; ++g)
    random_blocks(counter, lane_word, static_cast<std::uint32_t>(g * kWidth<float>), keys,
                  words[g]);
  for (int g = 0; g < kAll; ++g) {
    VectorF z[4];
    normals_of(words[g], z);
    for (int i = 0; i < 4; ++i) store(out + i * kLanes + g * kWidth<float>, z[i]);
  }
}

template <class T>
constexpr ohmic::KernelsOf<T> kernels_of_type() {
  return {lane_product<T>,    lane_gradient<T>,    quantise<T>,        quantise_accumulate<T>,
          accumulate<T>,      panel_gather<T>,     panel_product<T>,   panel_gradient<T>,
          slope_transpose<T>, winograd_input<T>,   winograd_output<T>, winograd_weights<T>,
          winograd_slopes<T>, winograd_gradient<T>};
}

ohmic::Kernels kernels_of_level(std::string_view level) {
  return {kernels_of_type<float>(),
          kernels_of_type<double>(),
          normals,
          lane_normals,
          lane_square_sum,
          square_root,
          multiply_accumulate,
          multiply_exponential,
          level};
}

}  // namespace
