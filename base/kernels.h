#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The hot loops, compiled once for each instruction-set level and chosen at start. Plain pointers
/// only.
///
/// Samples lie in the vector lanes: a *lane block* holds kLanes samples of one feature side by
/// side, and an activation of F features is F lane blocks. So one loop serves products,
/// convolutions and tiles, every sample of a block is computed alike, and no result depends on how
/// many samples are there. Unused lanes hold zeros.
///
/// Bits: v3, v4 and the plain reference agree to the last bit (the same fused operations in the
/// same order); v2 and other processors have no fused multiply-add and may differ in the last
/// digits.
namespace ohmic {

/// Samples in a lane block.
inline constexpr std::ptrdiff_t kLanes = 64;

/// What a converter does to a signal: code = clip(rint(x * scale - shift), low, high) + shift,
/// where rint rounds ties to even and clip acts first, on x * scale - shift. Codes are whole
/// numbers + shift; the caller knows the size of one code.
template <class T>
struct CodeRange {
  T scale = 1;  ///< codes per unit of signal
  T low = 0, high = 0;
  T shift = 0;  ///< 0, or 1/2 where zero lies between two levels
};

template <class T>
struct KernelsOf {
  /// y[o][lane] = sum over r of a[o][r] * x[row_offset[r] + lane], for 64 lanes, in the order of r.
  /// a is outputs x rows with distance a_stride, y's rows lie y_stride apart. Overwrites y.
  void (*lane_product)(std::ptrdiff_t outputs, std::ptrdiff_t rows, const T* a,
                       std::ptrdiff_t a_stride, const T* x, const std::int32_t* row_offset, T* y,
                       std::ptrdiff_t y_stride);
  /// dw[o][r] += sum over positions p and lanes of dy[o * dy_stride + p * kLanes + lane] *
  /// x[row_offset[r] + position_offset[p] + lane]. Sums 16 (double: 8) lane groups over p first,
  /// then across lanes.
  void (*lane_gradient)(std::ptrdiff_t outputs, std::ptrdiff_t rows, std::ptrdiff_t positions,
                        const T* dy, std::ptrdiff_t dy_stride, const T* x,
                        const std::int32_t* row_offset, const std::int32_t* position_offset, T* dw,
                        std::ptrdiff_t dw_stride);
  /// codes[i] = the code of x[i]; returns how many x were beyond the range by more than half a
  /// code.
  std::int64_t (*quantise)(std::ptrdiff_t n, const T* x, CodeRange<T> range, T* codes);
  /// y[i] += step * code of x[i]; returns how many were beyond the range by more than half a code.
  std::int64_t (*quantise_accumulate)(std::ptrdiff_t n, const T* x, CodeRange<T> range, T step,
                                      T* y);
  /// y[i] += factor * x[i].
  void (*accumulate)(std::ptrdiff_t n, const T* x, T factor, T* y);

  /// panel[(t * channels + c) * kLanes + lane] = x[pixel[t] * kLanes + c * x_step + lane].
  void (*panel_gather)(std::ptrdiff_t taps, const std::int32_t* pixel, std::ptrdiff_t channels,
                       const T* x, std::ptrdiff_t x_step, T* panel);
  /// y[o][lane] = sum over taps t, then channels c, of a[o * a_stride + tap_offset[t] + c * a_step]
  /// * panel[(t * channels + c) * kLanes + lane], in that order; where `adds`, the sum starts at y.
  /// y's rows lie y_stride apart.
  void (*panel_product)(std::ptrdiff_t outputs, std::ptrdiff_t taps, const std::int32_t* tap_offset,
                        std::ptrdiff_t channels, const T* a, std::ptrdiff_t a_stride,
                        std::ptrdiff_t a_step, const T* panel, T* y, std::ptrdiff_t y_stride,
                        bool adds);
  /// dw[r * dw_stride + o] += sum over pairs p, then lanes, of panels[p][r * kLanes + lane] *
  /// slopes[(p * kLanes + lane) * tile + o], for the outputs of a tile: kSlopeTile or half of it.
  void (*panel_gradient)(std::ptrdiff_t tile, std::ptrdiff_t rows, std::ptrdiff_t pairs,
                         const T* slopes, const T* const* panels, T* dw, std::ptrdiff_t dw_stride);
  /// slopes[lane * tile + o] = dy[o * dy_stride + lane], 0 from `outputs` on.
  void (*slope_transpose)(std::ptrdiff_t tile, std::ptrdiff_t outputs, const T* dy,
                          std::ptrdiff_t dy_stride, T* slopes);

  /// The 36 inputs of a Winograd tile (kernels_winograd.h): v[f * v_stride + lane] from the 6 x 6
  /// pixels at x + row * row_stride + column * kLanes; those outside the given rows and columns are
  /// zeros and are not read.
  void (*winograd_input)(const T* x, std::ptrdiff_t row_stride, int first_row, int last_row,
                         int first_column, int last_column, T* v, std::ptrdiff_t v_stride);
  /// rows x columns (at most 4 x 4) outputs from 36 products m[f * m_stride + lane], plus bias.
  void (*winograd_output)(const T* m, std::ptrdiff_t m_stride, T bias, int rows, int columns, T* y,
                          std::ptrdiff_t row_stride);
  /// u[f * u_stride + c] from 3 x 3 weights at w + c * w_step, flipped in both directions on
  /// demand.
  void (*winograd_weights)(std::ptrdiff_t channels, const T* w, std::ptrdiff_t w_step,
                           bool is_flipped, T* u, std::ptrdiff_t u_stride);
  /// The 36 slopes of a Winograd tile: d[f * d_stride + i], i < count, from slopes
  /// dy[(row * 4 + column) * count + i] of its 4 x 4 outputs; count in steps of 16.
  void (*winograd_slopes)(std::ptrdiff_t count, const T* dy, T* d, std::ptrdiff_t d_stride);
  /// Gradients dw[t * count + i] of 3 x 3 weights from those of their 36 transforms,
  /// du[f * count + i]; count in steps of 16.
  void (*winograd_gradient)(std::ptrdiff_t count, const T* du, T* dw);
};

/// Outputs of a whole slope tile of panel_gradient: two cache lines.
template <class T>
inline constexpr std::ptrdiff_t kSlopeTile = 128 / static_cast<std::ptrdiff_t>(sizeof(T));

struct Kernels {
  KernelsOf<float> f32;
  KernelsOf<double> f64;
  /// out[i] = standard normal of element first + i of the row of draws at `counter` under `key`
  /// (see RandomStream).
  void (*normals)(const std::uint32_t counter[4], const std::uint32_t key[2], std::uint64_t first,
                  std::size_t n, float* out);
  /// out[c * kLanes + lane] = normal c (0..3) of the block at `counter` with `lane` added to word
  /// `lane_word`.
  void (*lane_normals)(const std::uint32_t counter[4], int lane_word, const std::uint32_t key[2],
                       float* out);
  /// y[lane] = sum over r of x[row_offset[r] + lane]^2, for 64 lanes.
  void (*lane_square_sum)(std::ptrdiff_t rows, const float* x, const std::int32_t* row_offset,
                          float* y);
  /// y[i] = sqrt(x[i]), x >= 0.
  void (*square_root)(std::ptrdiff_t n, const float* x, float* y);
  /// y[i] += a[i] * b[i], rounded twice.
  void (*multiply_accumulate)(std::ptrdiff_t n, const float* a, const float* b, float* y);
  /// out[i] = x[i] exp(a za[i] + b zb[i] + shift), the exponent and its function in double (to
  /// 1e-12 relative), rounded once; |exponent| <= 700. A null zb stands for zeros; out may be x.
  void (*multiply_exponential)(std::ptrdiff_t n, const float* x, double a, const float* za,
                               double b, const float* zb, double shift, float* out);
  std::string_view level;  ///< "v2", "v3", "v4" or "generic"
};

/// The kernels in use. The first call chooses the best level that this processor has.
const Kernels& kernels();
/// Chooses a level by name. Throws ConfigError if it is unknown or this processor lacks it.
void choose_kernels(std::string_view level);
/// The slow, plain reference for every level above.
const Kernels& reference_kernels();

/// The arithmetic that bits depend on: v3 and v4 agree to the last bit.
std::string_view arithmetic_name();

}  // namespace ohmic
