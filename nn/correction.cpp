#include "nn/correction.h"

#include <algorithm>

#include "base/error.h"
#include "base/kernels.h"

namespace ohmic::nn {

DigitalCorrection::DigitalCorrection(const Shape& input, const Shape& output,
                                     std::vector<float> scale, std::vector<float> shift)
    : pool_(input, output),
      input_(input),
      output_(output),
      scale_(std::move(scale)),
      shift_(std::move(shift)) {
  ensure(static_cast<Index>(scale_.size()) == output.channels && scale_.size() == shift_.size(),
         "an affine correction has one scale and one shift per channel");
}

DigitalCorrection::DigitalCorrection(const Shape& input, const Shape& output, Matrix<float> mixing,
                                     std::vector<float> shift)
    : pool_(input, output),
      input_(input),
      output_(output),
      shift_(std::move(shift)),
      mixing_(std::move(mixing)) {
  ensure(
      mixing_.rows() == output.channels && (mixing_.columns() == output.channels ||
                                            mixing_.columns() == output.channels + input.channels),
      "a mixing correction reads the output, or input and output");
}

void DigitalCorrection::apply(const float* x, float* y) const {
  const Index n = output_.channels, plane = output_.height * output_.width * kLanes;
  if (is_affine()) {
    for (Index o = 0; o < n; ++o)
      for (Index i = o * plane; i < (o + 1) * plane; ++i)
        y[i] = y[i] * scale_[static_cast<std::size_t>(o)] + shift_[static_cast<std::size_t>(o)];
    return;
  }
  static thread_local AlignedVector<float> source;
  static thread_local std::vector<std::int32_t> row_offset;
  const Index sources = mixing_.columns(), pooled = sources - n;
  source.resize(static_cast<std::size_t>(sources * plane));
  row_offset.clear();
  for (Index r = 0; r < sources; ++r) row_offset.push_back(static_cast<std::int32_t>(r * plane));
  if (pooled > 0) pool_.forward(x, source.data());
  std::copy_n(y, n * plane, source.data() + pooled * plane);
  for (Index p = 0; p < plane; p += kLanes)
    kernels().f32.lane_product(n, sources, mixing_.data(), sources, source.data() + p,
                               row_offset.data(), y + p, plane);
  for (Index o = 0; o < n; ++o)
    for (Index i = o * plane; i < (o + 1) * plane; ++i) y[i] += shift_[static_cast<std::size_t>(o)];
}

Index DigitalCorrection::weights() const {
  return (is_affine() ? output_.channels : mixing_.size()) + output_.channels;
}

Index DigitalCorrection::macs() const {
  return (is_affine() ? output_.channels : mixing_.size()) * output_.height * output_.width;
}

}  // namespace ohmic::nn
