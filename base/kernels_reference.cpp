#include <cmath>

#include "base/kernels.h"
#include "base/kernels_polynomials.h"
#include "base/random_stream.h"

/// The reference for the vector loops: one number at a time, in the order that the contract states.
namespace ohmic {
namespace {

using Extent = std::ptrdiff_t;

template <class T>
void lane_product(Extent outputs, Extent rows, const T* a, Extent a_stride, const T* x,
                  const std::int32_t* row_offset, T* y, Extent y_stride) {
  for (Extent o = 0; o < outputs; ++o)
    for (Extent lane = 0; lane < kLanes; ++lane) {
      T sum = 0;
      for (Extent r = 0; r < rows; ++r)
        sum = std::fma(a[o * a_stride + r], x[row_offset[r] + lane], sum);
      y[o * y_stride + lane] = sum;
    }
}

template <class T>
void lane_gradient(Extent outputs, Extent rows, Extent positions, const T* dy, Extent dy_stride,
                   const T* x, const std::int32_t* row_offset, const std::int32_t* position_offset,
                   T* dw, Extent dw_stride) {
  constexpr int kGroup = 64 / static_cast<int>(sizeof(T));
  for (Extent o = 0; o < outputs; ++o)
    for (Extent r = 0; r < rows; ++r) {
      T sum[kGroup] = {};
      for (Extent p = 0; p < positions; ++p)
        for (Extent lane = 0; lane < kLanes; ++lane)
          sum[lane % kGroup] =
              std::fma(dy[o * dy_stride + p * kLanes + lane],
                       x[row_offset[r] + position_offset[p] + lane], sum[lane % kGroup]);
      for (int half = kGroup / 2; half >= 1; half /= 2)
        for (int i = 0; i < half; ++i) sum[i] += sum[i + half];
      dw[o * dw_stride + r] += sum[0];
    }
}

template <class T>
T code_of(T x, const CodeRange<T>& range, std::int64_t& beyond) {
  const T t = x * range.scale - range.shift;
  if (t < range.low - T(0.5) || t > range.high + T(0.5)) ++beyond;
  return std::nearbyint(std::fmin(std::fmax(t, range.low), range.high)) + range.shift;
}

template <class T>
std::int64_t quantise(Extent n, const T* x, CodeRange<T> range, T* codes) {
  std::int64_t beyond = 0;
  for (Extent i = 0; i < n; ++i) codes[i] = code_of(x[i], range, beyond);
  return beyond;
}

template <class T>
std::int64_t quantise_accumulate(Extent n, const T* x, CodeRange<T> range, T step, T* y) {
  std::int64_t beyond = 0;
  for (Extent i = 0; i < n; ++i) y[i] += code_of(x[i], range, beyond) * step;
  return beyond;
}

template <class T>
void accumulate(Extent n, const T* x, T factor, T* y) {
  for (Extent i = 0; i < n; ++i) y[i] += x[i] * factor;
}

template <class T>
void panel_gather(Extent taps, const std::int32_t* pixel, Extent channels, const T* x,
                  Extent x_step, T* panel) {
  for (Extent t = 0; t < taps; ++t)
    for (Extent c = 0; c < channels; ++c)
      for (Extent lane = 0; lane < kLanes; ++lane)
        panel[(t * channels + c) * kLanes + lane] = x[pixel[t] * kLanes + c * x_step + lane];
}

template <class T>
void panel_product(Extent outputs, Extent taps, const std::int32_t* tap_offset, Extent channels,
                   const T* a, Extent a_stride, Extent a_step, const T* panel, T* y,
                   Extent y_stride, bool adds) {
  for (Extent o = 0; o < outputs; ++o)
    for (Extent lane = 0; lane < kLanes; ++lane) {
      T sum = adds ? y[o * y_stride + lane] : T(0);
      for (Extent t = 0; t < taps; ++t)
        for (Extent c = 0; c < channels; ++c)
          sum = std::fma(a[o * a_stride + tap_offset[t] + c * a_step],
                         panel[(t * channels + c) * kLanes + lane], sum);
      y[o * y_stride + lane] = sum;
    }
}

template <class T>
void panel_gradient(Extent tile, Extent rows, Extent pairs, const T* slopes, const T* const* panels,
                    T* dw, Extent dw_stride) {
  for (Extent r = 0; r < rows; ++r)
    for (Extent o = 0; o < tile; ++o)
      for (Extent p = 0; p < pairs; ++p)
        for (Extent lane = 0; lane < kLanes; ++lane)
          dw[r * dw_stride + o] =
              std::fma(panels[p][r * kLanes + lane], slopes[(p * kLanes + lane) * tile + o],
                       dw[r * dw_stride + o]);
}

template <class T>
void slope_transpose(Extent tile, Extent outputs, const T* dy, Extent dy_stride, T* slopes) {
  for (Extent lane = 0; lane < kLanes; ++lane)
    for (Extent o = 0; o < tile; ++o)
      slopes[lane * tile + o] = o < outputs ? dy[o * dy_stride + lane] : T(0);
}

/// to = M from M^T for a rows x n matrix M with numbers in double: the transforms by definition.
template <class T, int kRows, int kIn>
void two_sided(const double (&m)[kRows][kIn], const T (&from)[kIn][kIn], T (&to)[kRows][kRows]) {
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kRows; ++j) {
      double sum = 0;
      for (int k = 0; k < kIn; ++k)
        for (int l = 0; l < kIn; ++l) sum += m[i][k] * static_cast<double>(from[k][l]) * m[j][l];
      to[i][j] = static_cast<T>(sum);
    }
}

constexpr double kInputTransform[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0},
                                          {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0},
                                          {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
constexpr double kOutputTransform[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
constexpr double kWeightTransform[6][3] = {{1.0 / 4, 0, 0},
                                           {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                           {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                           {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                           {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                           {0, 0, 1}};

template <class T>
void winograd_input(const T* x, Extent row_stride, int first_row, int last_row, int first_column,
                    int last_column, T* v, Extent v_stride) {
  for (Extent lane = 0; lane < kLanes; ++lane) {
    T from[6][6] = {}, to[6][6];
    for (int r = first_row < 0 ? 0 : first_row; r < last_row && r < 6; ++r)
      for (int c = first_column < 0 ? 0 : first_column; c < last_column && c < 6; ++c)
        from[r][c] = x[r * row_stride + c * kLanes + lane];
    two_sided(kInputTransform, from, to);
    for (int f = 0; f < 36; ++f) v[f * v_stride + lane] = to[f / 6][f % 6];
  }
}

template <class T>
void winograd_output(const T* m, Extent m_stride, T bias, int rows, int columns, T* y,
                     Extent row_stride) {
  for (Extent lane = 0; lane < kLanes; ++lane) {
    T from[6][6], to[4][4];
    for (int f = 0; f < 36; ++f) from[f / 6][f % 6] = m[f * m_stride + lane];
    two_sided(kOutputTransform, from, to);
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) y[r * row_stride + c * kLanes + lane] = to[r][c] + bias;
  }
}

template <class T>
void winograd_weights(Extent channels, const T* w, Extent w_step, bool is_flipped, T* u,
                      Extent u_stride) {
  for (Extent c = 0; c < channels; ++c) {
    T from[3][3], to[6][6];
    for (int t = 0; t < 9; ++t) from[t / 3][t % 3] = w[c * w_step + (is_flipped ? 8 - t : t)];
    two_sided(kWeightTransform, from, to);
    for (int f = 0; f < 36; ++f) u[f * u_stride + c] = to[f / 6][f % 6];
  }
}

template <int kRows, int kIn>
struct Transposed {
  double m[kIn][kRows];
  explicit Transposed(const double (&from)[kRows][kIn]) {
    for (int i = 0; i < kRows; ++i)
      for (int j = 0; j < kIn; ++j) m[j][i] = from[i][j];
  }
};

template <class T>
void winograd_slopes(Extent count, const T* dy, T* d, Extent d_stride) {
  const Transposed back(kOutputTransform);
  for (Extent i = 0; i < count; ++i) {
    T from[4][4], to[6][6];
    for (int p = 0; p < 16; ++p) from[p / 4][p % 4] = dy[p * count + i];
    two_sided(back.m, from, to);
    for (int f = 0; f < 36; ++f) d[f * d_stride + i] = to[f / 6][f % 6];
  }
}

template <class T>
void winograd_gradient(Extent count, const T* du, T* dw) {
  const Transposed back(kWeightTransform);
  for (Extent i = 0; i < count; ++i) {
    T from[6][6], to[3][3];
    for (int f = 0; f < 36; ++f) from[f / 6][f % 6] = du[f * count + i];
    two_sided(back.m, from, to);
    for (int t = 0; t < 9; ++t) dw[t * count + i] = to[t / 3][t % 3];
  }
}

void lane_square_sum(Extent rows, const float* x, const std::int32_t* row_offset, float* y) {
  for (Extent lane = 0; lane < kLanes; ++lane) {
    float sum = 0;
    for (Extent r = 0; r < rows; ++r) {
      const float value = x[row_offset[r] + lane];
      sum = std::fma(value, value, sum);
    }
    y[lane] = sum;
  }
}

void square_root(Extent n, const float* x, float* y) {
  for (Extent i = 0; i < n; ++i) y[i] = std::sqrt(x[i]);
}

void multiply_accumulate(Extent n, const float* a, const float* b, float* y) {
  for (Extent i = 0; i < n; ++i) y[i] += a[i] * b[i];
}

void box_muller(std::uint32_t radius_word, std::uint32_t angle_word, float* z) {
  const auto fuse = [](float a, float b, float c) { return std::fma(a, b, c); };
  const float u = std::fma(static_cast<float>(radius_word >> 16), 65536.0f,
                           static_cast<float>(radius_word & 0xffffu) + 0.5f);
  int exponent = 0;
  float mantissa = std::frexp(u, &exponent);  // in [1/2, 1)
  if (mantissa < 0.70710677f) {
    mantissa *= 2;
    --exponent;
  }
  float radius = std::sqrt(minus_two_log(mantissa - 1.0f, static_cast<float>(exponent - 32), fuse));
  const float angle =
      static_cast<float>(static_cast<std::int32_t>(angle_word << 1)) * 7.3145904e-10f;  // pi / 2^32
  if (angle_word & 0x80000000u) radius = -radius;
  z[0] = cos_polynomial(angle, fuse) * radius;
  z[1] = sin_polynomial(angle, fuse) * radius;
}

void block_normals(const std::uint32_t counter[4], int word, std::uint32_t step,
                   const std::uint32_t key[2], float z[4]) {
  std::array<std::uint32_t, 4> at{counter[0], counter[1], counter[2], counter[3]};
  at[static_cast<std::size_t>(word)] += step;
  const auto words = philox(at, {key[0], key[1]});
  box_muller(words[0], words[1], z);
  box_muller(words[2], words[3], z + 2);
}

void normals(const std::uint32_t counter[4], const std::uint32_t key[2], std::uint64_t first,
             std::size_t n, float* out) {
  for (std::size_t i = 0; i < n; ++i) {
    float z[4];
    block_normals(counter, 0, static_cast<std::uint32_t>((first + i) >> 2), key, z);
    out[i] = z[(first + i) & 3];
  }
}

void lane_normals(const std::uint32_t counter[4], int lane_word, const std::uint32_t key[2],
                  float* out) {
  for (Extent lane = 0; lane < kLanes; ++lane) {
    float z[4];
    block_normals(counter, lane_word, static_cast<std::uint32_t>(lane), key, z);
    for (int i = 0; i < 4; ++i) out[i * kLanes + lane] = z[i];
  }
}

void multiply_exponential(Extent n, const float* x, double a, const float* za, double b,
                          const float* zb, double shift, float* out) {
  for (Extent i = 0; i < n; ++i) {
    const double exponent = a * za[i] + b * (zb ? zb[i] : 0.0f) + shift;
    const double k = std::nearbyint(exponent * kLog2E);
    const double r = std::fma(k, -kLn2Low, std::fma(k, -kLn2High, exponent));
    double sum = kExponentialSeries[0];
    for (int term = 1; term < kExponentialTerms; ++term)
      sum = std::fma(sum, r, kExponentialSeries[term]);
    out[i] = static_cast<float>(x[i] * std::ldexp(sum, static_cast<int>(k)));
  }
}

template <class T>
KernelsOf<T> of_type() {
  return {lane_product<T>,    lane_gradient<T>,    quantise<T>,        quantise_accumulate<T>,
          accumulate<T>,      panel_gather<T>,     panel_product<T>,   panel_gradient<T>,
          slope_transpose<T>, winograd_input<T>,   winograd_output<T>, winograd_weights<T>,
          winograd_slopes<T>, winograd_gradient<T>};
}

}  // namespace

const Kernels& reference_kernels() {
  static const Kernels table{of_type<float>(),    of_type<double>(),    normals,
                             lane_normals,        lane_square_sum,      square_root,
                             multiply_accumulate, multiply_exponential, "reference"};
  return table;
}

}  // namespace ohmic
