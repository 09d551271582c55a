#include <algorithm>

#include "base/parallel.h"
#include "nn/layer_kind.h"

/// Layers that treat every feature alike: relu, flatten, add.
namespace ohmic::nn {
namespace {

template <class T>
Index features(const Layer<T>& layer) {
  return layer.structure().output.features();
}

template <class T>
void copy(Index features, const T* from, T* to) {
  for_each_part(features, kLanes, [&](Index first, Index last) {
    std::copy_n(from + first * kLanes, (last - first) * kLanes, to + first * kLanes);
  });
}

template <class T>
class Relu final : public Layer<T> {
 public:
  using Layer<T>::Layer;
  /// NaN passes, so that a training that diverges is seen.
  void forward(const ForwardArguments<T>& a) const override {
    for_each_part(features(*this), kLanes, [&](Index first, Index last) {
      const T* x = a.x[0];
      T* __restrict y = a.y;
      for (Index i = first * kLanes; i < last * kLanes; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
    });
  }
  void backward(const BackwardArguments<T>& a) const override {
    if (!a.dx[0]) return;
    for_each_part(features(*this), kLanes, [&](Index first, Index last) {
      const T *y = a.y, *dy = a.dy;
      T* __restrict dx = a.dx[0];
      for (Index i = first * kLanes; i < last * kLanes; ++i) {
        const T slope = dy[i];  // read in any case, so that the loop has no branch
        dx[i] = y[i] > T(0) ? slope : T(0);
      }
    });
  }
};

template <class T>
class Flatten final : public Layer<T> {
 public:
  using Layer<T>::Layer;
  void forward(const ForwardArguments<T>& a) const override { copy(features(*this), a.x[0], a.y); }
  void backward(const BackwardArguments<T>& a) const override {
    if (a.dx[0]) copy(features(*this), a.dy, a.dx[0]);
  }
};

template <class T>
class Add final : public Layer<T> {
 public:
  using Layer<T>::Layer;
  void forward(const ForwardArguments<T>& a) const override {
    for_each_part(features(*this), kLanes, [&](Index first, Index last) {
      T* __restrict y = a.y;
      for (Index i = first * kLanes; i < last * kLanes; ++i) y[i] = a.x[0][i] + a.x[1][i];
      for (std::size_t k = 2; k < a.x.size(); ++k)
        for (Index i = first * kLanes; i < last * kLanes; ++i) y[i] += a.x[k][i];
    });
  }
  void backward(const BackwardArguments<T>& a) const override {
    for (T* dx : a.dx)
      if (dx) copy(features(*this), a.dy, dx);
  }
};

LayerStructure same_shape(const LayerSpec&, const std::vector<Shape>& inputs) {
  LayerStructure s;
  s.inputs = inputs;
  s.output = inputs.front();
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
