#include "nn/window_product.h"

#include <algorithm>

#include "nn/layer.h"

namespace ohmic::nn {
namespace {

std::int32_t lane_offset(Index pixel) { return static_cast<std::int32_t>(pixel * kLanes); }

/// Offsets of what a window reads, in the order (channel, row, column).
std::vector<std::int32_t> window_offsets(const PatchView& g, Index height, Index width) {
  std::vector<std::int32_t> offsets;
  for (Index c = 0; c < g.channels; ++c)
    for (Index row = 0; row < g.kernel; ++row)
      for (Index column = 0; column < g.kernel; ++column)
        offsets.push_back(lane_offset((c * height + row) * width + column));
  return offsets;
}

/// The same over `outputs` images in the order (row, column, output).
std::vector<std::int32_t> flipped_offsets(Index outputs, const PatchView& g, Index height,
                                          Index width) {
  std::vector<std::int32_t> offsets;
  for (Index row = 0; row < g.kernel; ++row)
    for (Index column = 0; column < g.kernel; ++column)
      for (Index o = 0; o < outputs; ++o)
        offsets.push_back(lane_offset((o * height + row) * width + column));
  return offsets;
}

}  // namespace

template <class T>
WindowProduct<T>::WindowProduct(Index outputs, const PatchView& g)
    : outputs_(outputs),
      g_(g),
      padded_height_(g_.height + 2 * g_.padding),
      padded_width_(g_.width + 2 * g_.padding),
      row_offset_(window_offsets(g_, padded_height_, padded_width_)),
      dilated_height_((g_.out_height() - 1) * g_.stride + 1),
      dilated_width_(g_.width + g_.kernel - 1),
      dilated_offset_(flipped_offsets(outputs_, g_, dilated_height_, dilated_width_)) {
  for (Index row = 0; row < g_.out_height(); ++row)
    for (Index column = 0; column < g_.out_width(); ++column)
      position_offset_.push_back(lane_offset((row * padded_width_ + column) * g_.stride));
}

template <class T>
Index WindowProduct<T>::state_size() const {
  return g_.padding > 0 ? g_.channels * padded_height_ * padded_width_ * kLanes : 0;
}

template <class T>
Index WindowProduct<T>::work_size() const {
  return outputs_ * (g_.inputs() + dilated_height_ * dilated_width_ * kLanes);
}

template <class T>
void WindowProduct<T>::apply(const T* weight, const T* bias, const T* x, T* state, T* y) const {
  if (g_.padding > 0) {
    copy_image(x, state);
    x = state;
  }
  const Index positions = g_.positions(), inputs = g_.inputs();
  for (Index p = 0; p < positions; ++p) {
    T* at = y + p * kLanes;
    kernels_of<T>().lane_product(outputs_, inputs, weight, inputs,
                                 x + position_offset_[static_cast<std::size_t>(p)],
                                 row_offset_.data(), at, positions * kLanes);
    if (!bias) continue;
    for (Index o = 0; o < outputs_; ++o)
      for (Index lane = 0; lane < kLanes; ++lane) at[o * positions * kLanes + lane] += bias[o];
  }
}

template <class T>
void WindowProduct<T>::apply_backward(const T* weight, const T* dy, T* work, T* dx) const {
  T *flipped = work, *dilated = work + outputs_ * g_.inputs();
  flip(weight, flipped);
  zero_dilate(dy, dilated);
  const Index window_row = g_.kernel * outputs_, rows = g_.kernel * window_row;
  const Index pixels = g_.height * g_.width;
  for (Index row = 0; row < g_.height; ++row) {
    const Index top = row + g_.padding - (g_.kernel - 1);  // where the window begins in dy
    const Index first = std::max<Index>(0, -top);
    const Index last = std::min(g_.kernel, dilated_height_ - top);
    T* to = dx + row * g_.width * kLanes;
    for (Index column = 0; column < g_.width; ++column, to += kLanes)
      kernels_of<T>().lane_product(g_.channels, std::max<Index>(0, last - first) * window_row,
                                   flipped + first * window_row, rows,
                                   dilated + ((top + first) * dilated_width_ + column) * kLanes,
                                   dilated_offset_.data(), to, pixels * kLanes);
  }
}

template <class T>
void WindowProduct<T>::add_gradient(const T* x, const T* state, const T* dy, T* dw) const {
  const Index positions = g_.positions();
  kernels_of<T>().lane_gradient(outputs_, g_.inputs(), positions, dy, positions * kLanes,
                                g_.padding > 0 ? state : x, row_offset_.data(),
                                position_offset_.data(), dw, g_.inputs());
}

/// The image into the middle of the padded one, whose border stays zero.
template <class T>
void WindowProduct<T>::copy_image(const T* x, T* padded) const {
  for (Index c = 0; c < g_.channels; ++c)
    for (Index row = 0; row < g_.height; ++row)
      std::copy_n(
          x + (c * g_.height + row) * g_.width * kLanes, g_.width * kLanes,
          padded + ((c * padded_height_ + row + g_.padding) * padded_width_ + g_.padding) * kLanes);
}

/// channels x (kernel row, kernel column, output), the window flipped in both directions.
template <class T>
void WindowProduct<T>::flip(const T* weight, T* flipped) const {
  // Inputs that are written side by side, so that the reads are of whole cache lines.
  constexpr Index kColumns = 16;
  const Index window = g_.kernel * g_.kernel, inputs = g_.inputs();
  for (Index first = 0; first < inputs; first += kColumns)
    for (Index o = 0; o < outputs_; ++o)
      for (Index r = first; r < std::min(first + kColumns, inputs); ++r)
        flipped[(r + window - 1 - 2 * (r % window)) * outputs_ + o] = weight[o * inputs + r];
}

template <class T>
void WindowProduct<T>::zero_dilate(const T* dy, T* dilated) const {
  const Index left = g_.kernel - 1 - g_.padding;
  for (Index o = 0; o < outputs_; ++o)
    for (Index row = 0; row < g_.out_height(); ++row)
      for (Index column = 0; column < g_.out_width(); ++column, dy += kLanes)
        std::copy_n(dy, kLanes,
                    dilated + ((o * dilated_height_ + row * g_.stride) * dilated_width_ + left +
                               column * g_.stride) *
                                  kLanes);
}

template class WindowProduct<float>;
template class WindowProduct<double>;

}  // namespace ohmic::nn
