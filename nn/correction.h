#pragma once

#include <vector>

#include "base/matrix.h"
#include "nn/adaptive_pool.h"

namespace ohmic::nn {

/// What is done digitally behind a MAC layer, the same at every output position:
///   affine:  z_o = scale_o y_o + shift_o
///   mixing:  z = M [xp; y] + shift, xp = the layer's input x average-pooled to y's size (where M
///   has
///            l + n columns), or z = M y + shift (n columns).
class DigitalCorrection {
 public:
  DigitalCorrection(const Shape& input, const Shape& output, std::vector<float> scale,
                    std::vector<float> shift);
  DigitalCorrection(const Shape& input, const Shape& output, Matrix<float> mixing,
                    std::vector<float> shift);

  /// Corrects y (features x kLanes) in place; x is the layer's input.
  void apply(const float* x, float* y) const;

  /// Numbers that a chip keeps for it.
  Index weights() const;
  /// Multiply-accumulates per image.
  Index macs() const;
  bool is_affine() const { return mixing_.empty(); }

 private:
  AdaptivePool pool_;
  Shape input_, output_;
  std::vector<float> scale_, shift_;
  Matrix<float> mixing_;
};

}  // namespace ohmic::nn
