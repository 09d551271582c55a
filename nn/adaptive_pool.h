#pragma once

#include "nn/shape.h"

namespace ohmic::nn {

/// Average pooling to a given size, as PyTorch's AdaptiveAvgPool2d: output pixel i of n averages
/// the input pixels floor(i N / n) .. ceil((i + 1) N / n) - 1. Images are in lane blocks.
class AdaptivePool {
 public:
  AdaptivePool(const Shape& from, const Shape& to);
  /// from.channels x to.height x to.width; overwrites.
  template <class T>
  void forward(const T* x, T* y) const;
  /// Overwrites dx.
  template <class T>
  void backward(const T* dy, T* dx) const;

 private:
  Shape from_, to_;
};

}  // namespace ohmic::nn
