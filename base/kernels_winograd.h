#pragma once

#include "base/kernels.h"
#include "base/kernels_vector.h"

/// Transforms of Winograd's F(4 x 4, 3 x 3) (Lavin, Gray, CVPR 2016, points 0, +-1, +-2): a tile of
/// 4 x 4 outputs from 6 x 6 inputs by 36 products instead of 144. One sample a lane, so that no
/// transform moves a number between lanes. Written with products and sums rounded one by one, in
/// one order for all levels.
namespace {

/// B^T d of one column of six.
template <class V>
inline void input_column(const V d[6], V out[6]) {
  const V a = d[4] - d[2] * 4, b = d[3] - d[1] * 4;
  const V c = d[4] - d[2], e = (d[3] - d[1]) * 2;
  out[0] = d[0] * 4 - d[2] * 5 + d[4];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + e;
  out[4] = c - e;
  out[5] = d[1] * 4 - d[3] * 5 + d[5];
}

/// A^T m of one column of six.
template <class V>
inline void output_column(const V m[6], V out[4]) {
  const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  out[0] = m[0] + a + c;
  out[1] = b + d * 2;
  out[2] = a + c * 4;
  out[3] = b + d * 8 + m[5];
}

/// G g of one column of three.
template <class V>
inline void weight_column(const V g[3], V out[6]) {
  using T = decltype(g[0][0] + 0);
  const V even = (g[0] + g[2]) * T(-1.0 / 6), odd = g[1] * T(-1.0 / 6);
  const V outer = g[0] * T(1.0 / 24) + g[2] * T(1.0 / 6), inner = g[1] * T(1.0 / 12);
  out[0] = g[0] * T(0.25);
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = outer + inner;
  out[4] = outer - inner;
  out[5] = g[2];
}

/// A d of one column of four.
template <class V>
inline void slope_column(const V d[4], V out[6]) {
  const V even = d[0] + d[2], odd = d[1] + d[3];
  const V outer = d[0] + d[2] * 4, inner = d[1] * 2 + d[3] * 8;
  out[0] = d[0];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = outer + inner;
  out[4] = outer - inner;
  out[5] = d[3];
}

/// G^T m of one column of six.
template <class V>
inline void gradient_column(const V m[6], V out[3]) {
  using T = decltype(m[0][0] + 0);
  const V near = (m[1] + m[2]) * T(1.0 / 6), far = m[3] + m[4];
  out[0] = m[0] * T(0.25) - near + far * T(1.0 / 24);
  out[1] = (m[2] - m[1]) * T(1.0 / 6) + (m[3] - m[4]) * T(1.0 / 12);
  out[2] = far * T(1.0 / 6) - near + m[5];
}

template <class T>
void winograd_input(const T* x, std::ptrdiff_t row_stride, int first_row, int last_row,
                    int first_column, int last_column, T* v, std::ptrdiff_t v_stride) {
  using V = Vector<T>;
  for (std::ptrdiff_t lane = 0; lane < ohmic::kLanes; lane += kWidth<T>) {
    V half[6][6];
    for (int column = 0; column < 6; ++column) {
      V d[6];
      const bool is_there = column >= first_column && column < last_column;
      for (int row = 0; row < 6; ++row)
        d[row] = is_there && row >= first_row && row < last_row
                     ? load<V>(x + row * row_stride + column * ohmic::kLanes + lane)
                     : V{};
      V out[6];
      input_column(d, out);
      for (int row = 0; row < 6; ++row) half[row][column] = out[row];
    }
    for (int row = 0; row < 6; ++row) {
      V out[6];
      input_column(half[row], out);
      for (int column = 0; column < 6; ++column)
        store(v + (row * 6 + column) * v_stride + lane, out[column]);
    }
  }
}

template <class T>
void winograd_output(const T* m, std::ptrdiff_t m_stride, T bias, int rows, int columns, T* y,
                     std::ptrdiff_t row_stride) {
  using V = Vector<T>;
  for (std::ptrdiff_t lane = 0; lane < ohmic::kLanes; lane += kWidth<T>) {
    V half[4][6];
    for (int column = 0; column < 6; ++column) {
      V in[6], out[4];
      for (int row = 0; row < 6; ++row) in[row] = load<V>(m + (row * 6 + column) * m_stride + lane);
      output_column(in, out);
      for (int row = 0; row < 4; ++row) half[row][column] = out[row];
    }
    for (int row = 0; row < rows; ++row) {
      V out[4];
      output_column(half[row], out);
      for (int column = 0; column < columns; ++column)
        store(y + row * row_stride + column * ohmic::kLanes + lane, out[column] + bias);
    }
  }
}

template <class T>
void winograd_slopes(std::ptrdiff_t count, const T* dy, T* d, std::ptrdiff_t d_stride) {
  using V = Vector<T>;
  for (std::ptrdiff_t i = 0; i < count; i += kWidth<T>) {
    V half[6][4];
    for (int column = 0; column < 4; ++column) {
      V in[4], out[6];
      for (int row = 0; row < 4; ++row) in[row] = load<V>(dy + (row * 4 + column) * count + i);
      slope_column(in, out);
      for (int row = 0; row < 6; ++row) half[row][column] = out[row];
    }
    for (int row = 0; row < 6; ++row) {
      V out[6];
      slope_column(half[row], out);
      for (int column = 0; column < 6; ++column)
        store(d + (row * 6 + column) * d_stride + i, out[column]);
    }
  }
}

template <class T>
void winograd_gradient(std::ptrdiff_t count, const T* du, T* dw) {
  using V = Vector<T>;
  for (std::ptrdiff_t i = 0; i < count; i += kWidth<T>) {
    V half[3][6];
    for (int column = 0; column < 6; ++column) {
      V in[6], out[3];
      for (int row = 0; row < 6; ++row) in[row] = load<V>(du + (row * 6 + column) * count + i);
      gradient_column(in, out);
      for (int row = 0; row < 3; ++row) half[row][column] = out[row];
    }
    for (int row = 0; row < 3; ++row) {
      V out[3];
      gradient_column(half[row], out);
      for (int column = 0; column < 3; ++column)
        store(dw + (row * 3 + column) * count + i, out[column]);
    }
  }
}

/// Weights of kWidth channels at a time; those beyond `channels` are left alone.
template <class T>
void winograd_weights(std::ptrdiff_t channels, const T* w, std::ptrdiff_t w_step, bool is_flipped,
                      T* u, std::ptrdiff_t u_stride) {
  using V = Vector<T>;
  constexpr int n = kWidth<T>;
  for (std::ptrdiff_t first = 0; first < channels; first += n) {
    const int count = channels - first < n ? static_cast<int>(channels - first) : n;
    T taps[9][n] = {};
    for (int c = 0; c < count; ++c)
      for (int t = 0; t < 9; ++t) taps[is_flipped ? 8 - t : t][c] = w[(first + c) * w_step + t];
    V half[6][3];
    for (int column = 0; column < 3; ++column) {
      const V g[3] = {load<V>(taps[column]), load<V>(taps[3 + column]), load<V>(taps[6 + column])};
      V out[6];
      weight_column(g, out);
      for (int row = 0; row < 6; ++row) half[row][column] = out[row];
    }
    for (int row = 0; row < 6; ++row) {
      V out[6];
      weight_column(half[row], out);
      for (int column = 0; column < 6; ++column) {
        T* to = u + (row * 6 + column) * u_stride + first;
        if (count == n)
          store(to, out[column]);
        else
          for (int c = 0; c < count; ++c) to[c] = out[column][c];
      }
    }
  }
}

}  // namespace
