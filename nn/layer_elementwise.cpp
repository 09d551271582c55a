#include <algorithm>

#include "nn/channel_layer.h"
#include "nn/layer_kind.h"

/// Layers that treat every feature alike: relu, flatten, add.
namespace ohmic::nn {
namespace {

template <class T>
class Relu final : public ChannelLayer<T> {
 public:
  using ChannelLayer<T>::ChannelLayer;
  /// NaN passes, so that a training that diverges is seen.
  void forward_channels(const ForwardArguments<T>& a, Index first, Index last) const override {
    const Index begin = first * this->numbers(), end = last * this->numbers();
    const T* x = a.x[0];
    T* y = a.y;
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
  }
  void backward_channels(const BackwardArguments<T>& a, Index first, Index last) const override {
    if (!a.dx[0]) return;
    const T *y = a.y, *dy = a.dy;
    const Index begin = first * this->numbers(), end = last * this->numbers();
    T* dx = a.dx[0];
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) {
      const T slope = dy[i];  // read in any case, so that the loop has no branch
      dx[i] = y[i] > T(0) ? slope : T(0);
    }
  }
};

/// Channels first .. last - 1 of `numbers` numbers each.
template <class T>
void copy(Index first, Index last, Index numbers, const T* from, T* to) {
  if (from != to)
    std::copy_n(from + first * numbers, (last - first) * numbers, to + first * numbers);
}

template <class T>
class Flatten final : public ChannelLayer<T> {
 public:
  using ChannelLayer<T>::ChannelLayer;
  void forward_channels(const ForwardArguments<T>& a, Index first, Index last) const override {
    copy(first, last, this->numbers(), a.x[0], a.y);
  }
  void backward_channels(const BackwardArguments<T>& a, Index first, Index last) const override {
    if (a.dx[0]) copy(first, last, this->numbers(), a.dy, a.dx[0]);
  }
};

template <class T>
class Add final : public ChannelLayer<T> {
 public:
  using ChannelLayer<T>::ChannelLayer;
  void forward_channels(const ForwardArguments<T>& a, Index first, Index last) const override {
    const Index begin = first * this->numbers(), end = last * this->numbers();
    const T *x0 = a.x[0], *x1 = a.x[1];
    T* y = a.y;
#pragma GCC ivdep
    for (Index i = begin; i < end; ++i) y[i] = x0[i] + x1[i];
    for (std::size_t k = 2; k < a.x.size(); ++k) {
      const T* x = a.x[k];
#pragma GCC ivdep
      for (Index i = begin; i < end; ++i) y[i] += x[i];
    }
  }
  void backward_channels(const BackwardArguments<T>& a, Index first, Index last) const override {
    for (T* dx : a.dx)
      if (dx) copy(first, last, this->numbers(), a.dy, dx);
  }
};

LayerStructure same_shape(const LayerSpec&, const std::vector<Shape>& inputs) {
  LayerStructure s;
  s.inputs = inputs;
  s.output = inputs.front();
  s.works_in_place = true;
  s.reads_input_backward = false;
  return s;
}

LayerStructure flat(const LayerSpec& spec, const std::vector<Shape>& inputs) {
  LayerStructure s = same_shape(spec, inputs);
  s.output = {inputs.front().features(), 1, 1};
  return s;
}

LayerStructure sum_structure(const LayerSpec& spec, const std::vector<Shape>& inputs) {
  for (const Shape& other : inputs)
    if (other != inputs[0])
      fail(spec, "adds outputs of different shapes, " + text(inputs[0]) + " and " + text(other));
  LayerStructure s = same_shape(spec, inputs);
  s.works_in_place = inputs.size() == 2;
  s.reads_output_backward = false;
  s.has_equal_gradients = true;
  return s;
}

}  // namespace

LayerKind relu_kind() { return layer_kind<Relu>("relu", same_shape); }
LayerKind flatten_kind() { return layer_kind<Flatten>("flatten", flat); }
LayerKind add_kind() {
  return layer_kind<Add>(
      "add", sum_structure,
      {.least = 2, .most = kMostInputs, .meaning = "layers whose outputs are added"});
}

}  // namespace ohmic::nn
