#pragma once

#include <cstdint>
#include <vector>

#include "base/linear_operator.h"
#include "base/matrix.h"

namespace ohmic::nn {

/// The engine for convolutions with few outputs: y = W x + b at every position of a window that
/// slides over the zero-padded image, read where it lies. Both gradients are products of the same
/// two kernels: dW sums dy x over positions, and dx is the correlation of the zero-dilated dy
/// (stride - 1 zeros between pixels, kernel - 1 - padding at both sides) with the weights flipped
/// in both directions. There the window is read in the order (kernel row, kernel column, output),
/// so that its rows above and below dy are left out instead of multiplied by zeros.
template <class T>
class WindowProduct {
 public:
  WindowProduct(Index outputs, const PatchView& g);

  /// Numbers for the padded image, which start at zero and are kept until gradient().
  Index state_size() const;
  /// Numbers that gradients need, zero at first and the engine's own.
  Index work_size() const;

  /// Overwrites y; `bias` may be null.
  void apply(const T* weight, const T* bias, const T* x, T* state, T* y) const;
  /// dx = W^T dy.
  void apply_backward(const T* weight, const T* dy, T* work, T* dx) const;
  /// dw += dy x, after apply() on the same x.
  void add_gradient(const T* x, const T* state, const T* dy, T* dw) const;

 private:
  void copy_image(const T* x, T* padded) const;
  void flip(const T* weight, T* flipped) const;
  void zero_dilate(const T* dy, T* dilated) const;

  Index outputs_;
  PatchView g_;
  Index padded_height_, padded_width_;
  std::vector<std::int32_t> row_offset_, position_offset_;
  Index dilated_height_, dilated_width_;
  std::vector<std::int32_t> dilated_offset_;
};

}  // namespace ohmic::nn
