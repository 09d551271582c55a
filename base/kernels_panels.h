#pragma once

#include "base/kernels.h"
#include "base/kernels_vector.h"

/// The hot loops of large convolutions: products and weight gradients on panels, rows of kLanes
/// samples that lie one behind the other, so that they stay in the first cache whatever the layout
/// of the maps that they were gathered from.
namespace {

using PanelExtent = std::ptrdiff_t;

template <class T>
void panel_gather(PanelExtent taps, const std::int32_t* pixel, PanelExtent channels, const T* x,
                  PanelExtent x_step, T* panel) {
  constexpr int kVectors = static_cast<int>(ohmic::kLanes) / kWidth<T>;
  for (PanelExtent t = 0; t < taps; ++t) {
    const T* from = x + pixel[t] * ohmic::kLanes;
    for (PanelExtent c = 0; c < channels; ++c, from += x_step, panel += ohmic::kLanes)
      for (int v = 0; v < kVectors; ++v)
        store(panel + v * kWidth<T>, load<Vector<T>>(from + v * kWidth<T>));
  }
}

/// kOutputs rows of y; sums stay in registers over all taps and channels.
template <class T, int kOutputs>
inline void panel_tile(PanelExtent taps, const std::int32_t* tap_offset, PanelExtent channels,
                       const T* a, PanelExtent a_stride, PanelExtent a_step, const T* panel, T* y,
                       PanelExtent y_stride, bool adds) {
  using V = Vector<T>;
  constexpr int kVectors = kVectorBytes == 64 ? 4 : 2;
  constexpr int kStep = kVectors * kWidth<T>;
  for (PanelExtent lane = 0; lane < ohmic::kLanes; lane += kStep) {
    V sum[kOutputs][kVectors] = {};
    if (adds)
      for (int o = 0; o < kOutputs; ++o)
        for (int v = 0; v < kVectors; ++v)
          sum[o][v] = load<V>(y + o * y_stride + lane + v * kWidth<T>);
    const T* row = panel + lane;
    for (PanelExtent t = 0; t < taps; ++t) {
      const T* weight = a + tap_offset[t];
      for (PanelExtent c = 0; c < channels; ++c) {
        V value[kVectors];
        for (int v = 0; v < kVectors; ++v) value[v] = load<V>(row + v * kWidth<T>);
        for (int o = 0; o < kOutputs; ++o) {
          const V factor = weight[o * a_stride] - V{};
          for (int v = 0; v < kVectors; ++v) sum[o][v] = fused(factor, value[v], sum[o][v]);
        }
        row += ohmic::kLanes;
        weight += a_step;
      }
    }
    for (int o = 0; o < kOutputs; ++o)
      for (int v = 0; v < kVectors; ++v) store(y + o * y_stride + lane + v * kWidth<T>, sum[o][v]);
  }
}

template <class T, int kOutputs>
inline void panel_rest(PanelExtent left, PanelExtent taps, const std::int32_t* tap_offset,
                       PanelExtent channels, const T* a, PanelExtent a_stride, PanelExtent a_step,
                       const T* panel, T* y, PanelExtent y_stride, bool adds) {
  if (left == kOutputs)
    panel_tile<T, kOutputs>(taps, tap_offset, channels, a, a_stride, a_step, panel, y, y_stride,
                            adds);
  else if constexpr (kOutputs > 1)
    panel_rest<T, kOutputs - 1>(left, taps, tap_offset, channels, a, a_stride, a_step, panel, y,
                                y_stride, adds);
}

template <class T>
void panel_product(PanelExtent outputs, PanelExtent taps, const std::int32_t* tap_offset,
                   PanelExtent channels, const T* a, PanelExtent a_stride, PanelExtent a_step,
                   const T* panel, T* y, PanelExtent y_stride, bool adds) {
  PanelExtent o = 0;
  for (; o + 6 <= outputs; o += 6)
    panel_tile<T, 6>(taps, tap_offset, channels, a + o * a_stride, a_stride, a_step, panel,
                     y + o * y_stride, y_stride, adds);
  panel_rest<T, 5>(outputs - o, taps, tap_offset, channels, a + o * a_stride, a_stride, a_step,
                   panel, y + o * y_stride, y_stride, adds);
}

/// kVectors of slopes, against kRows rows of a panel.
template <class T, int kVectors, int kRows>
inline void slope_tile(PanelExtent pairs, const T* slopes, const T* const* panels, PanelExtent row,
                       T* dw, PanelExtent dw_stride) {
  using V = Vector<T>;
  V sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) sum[r][v] = load<V>(dw + r * dw_stride + v * kWidth<T>);
  for (PanelExtent pair = 0; pair < pairs; ++pair) {
    const T* x = panels[pair] + row * ohmic::kLanes;
    for (PanelExtent lane = 0; lane < ohmic::kLanes; ++lane) {
      V slope[kVectors];
      for (int v = 0; v < kVectors; ++v) slope[v] = load<V>(slopes + v * kWidth<T>);
      for (int r = 0; r < kRows; ++r) {
        const V value = x[r * ohmic::kLanes + lane] - V{};
        for (int v = 0; v < kVectors; ++v) sum[r][v] = fused(value, slope[v], sum[r][v]);
      }
      slopes += kVectors * kWidth<T>;
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v) store(dw + r * dw_stride + v * kWidth<T>, sum[r][v]);
}

template <class T, int kVectors, int kRows>
inline void slope_rows(PanelExtent row, PanelExtent rows, PanelExtent pairs, const T* slopes,
                       const T* const* panels, T* dw, PanelExtent dw_stride) {
  for (; row + kRows <= rows; row += kRows)
    slope_tile<T, kVectors, kRows>(pairs, slopes, panels, row, dw + row * dw_stride, dw_stride);
  if constexpr (kRows > 1)
    slope_rows<T, kVectors, kRows / 2>(row, rows, pairs, slopes, panels, dw, dw_stride);
}

template <class T>
void panel_gradient(PanelExtent tile, PanelExtent rows, PanelExtent pairs, const T* slopes,
                    const T* const* panels, T* dw, PanelExtent dw_stride) {
  constexpr int kVectors = static_cast<int>(ohmic::kSlopeTile<T>) / kWidth<T>;
  constexpr int kRows = kVectorBytes == 64 ? 8 : kVectorBytes == 32 ? 2 : 1;
  if (tile == ohmic::kSlopeTile<T>)
    slope_rows<T, kVectors, kRows>(0, rows, pairs, slopes, panels, dw, dw_stride);
  else
    slope_rows<T, kVectors / 2, 2 * kRows>(0, rows, pairs, slopes, panels, dw, dw_stride);
}

/// Rows of vectors [kWidth][kWidth] turned: after log2(kWidth) rounds of perfect shuffles, lane l
/// of vector i has become lane i of vector l.
template <class T>
inline void turn(Vector<T> (&rows)[kWidth<T>]) {
  constexpr int n = kWidth<T>;
  for (int round = 1; round < n; round *= 2) {
    Vector<T> shuffled[n];
    for (int i = 0; i < n / 2; ++i) interleave(rows[i], rows[i + n / 2], shuffled + 2 * i);
    for (int i = 0; i < n; ++i) rows[i] = shuffled[i];
  }
}

template <class T>
void slope_transpose(PanelExtent tile, PanelExtent outputs, const T* dy, PanelExtent dy_stride,
                     T* slopes) {
  constexpr int n = kWidth<T>;
  for (PanelExtent lane = 0; lane < ohmic::kLanes; lane += n)
    for (PanelExtent o = 0; o < tile; o += n) {
      Vector<T> rows[n];
      for (int i = 0; i < n; ++i)
        rows[i] = o + i < outputs ? load<Vector<T>>(dy + (o + i) * dy_stride + lane) : Vector<T>{};
      turn<T>(rows);
      for (int i = 0; i < n; ++i) store(slopes + (lane + i) * tile + o, rows[i]);
    }
}

}  // namespace
