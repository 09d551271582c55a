#include <algorithm>

#include "nn/layer.h"

/// Layers that treat every feature alike: relu, flatten, dropout, add.
namespace ohmic::nn {
namespace {

LayerStructure same_shape(const Shape& input) {
  LayerStructure s;
  s.inputs = {input};
  s.output = input;
  return s;
}

template <class T>
Index numbers(const Layer<T>& layer) {
  return layer.structure().output.features() * kLanes;
}

template <class T>
class Relu final : public Layer<T> {
 public:
  using Layer<T>::Layer;
  /// NaN passes, so that a training that diverges is seen.
  void forward(const ForwardArguments<T>& a) const override {
    const Index n = numbers(*this);
    const T* x = a.x[0];
    T* __restrict y = a.y;
    for (Index i = 0; i < n; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
  }
  void backward(const BackwardArguments<T>& a) const override {
    if (!a.dx[0]) return;
    const Index n = numbers(*this);
    const T *y = a.y, *dy = a.dy;
    T* __restrict dx = a.dx[0];
    for (Index i = 0; i < n; ++i) {
      const T slope = dy[i];  // read in any case, so that the loop has no branch
      dx[i] = y[i] > T(0) ? slope : T(0);
    }
  }
};

template <class T>
class Flatten final : public Layer<T> {
 public:
  using Layer<T>::Layer;
  void forward(const ForwardArguments<T>& a) const override {
    std::copy_n(a.x[0], numbers(*this), a.y);
  }
  void backward(const BackwardArguments<T>& a) const override {
    if (a.dx[0]) std::copy_n(a.dy, numbers(*this), a.dx[0]);
  }
};

/// Zeroes a share `rate` of the features while training and scales the others by 1 / (1 - rate);
/// the factors are kept in `state`. A draw is addressed by (step, layer, sample, feature).
template <class T>
class Dropout final : public Layer<T> {
 public:
  Dropout(LayerStructure s, double rate) : Layer<T>(std::move(s)), rate_(rate) {}

  void forward(const ForwardArguments<T>& a) const override {
    const Index n = numbers(*this);
    if (a.pass.mode == Mode::inference) {
      std::copy_n(a.x[0], n, a.y);
      return;
    }
    draw(a);
    for (Index i = 0; i < n; ++i) a.y[i] = a.x[0][i] * a.state[i];
  }
  void backward(const BackwardArguments<T>& a) const override {
    if (!a.dx[0]) return;
    const bool drops = a.pass.mode == Mode::training;
    for (Index i = 0; i < numbers(*this); ++i) a.dx[0][i] = drops ? a.dy[i] * a.state[i] : a.dy[i];
  }

 private:
  void draw(const ForwardArguments<T>& a) const {
    constexpr Index kChunk = 256;
    ensure(a.pass.stream, "dropout in training mode needs a random stream");
    const T kept = static_cast<T>(1 / (1 - rate_));
    const auto threshold = static_cast<std::uint32_t>(rate_ * 0x1p32);
    const Index features = this->structure().output.features();
    for (Index lane = 0; lane < a.pass.samples; ++lane) {
      const Address row =
          dropout_address({.step = a.pass.step,
                           .layer = static_cast<std::uint64_t>(a.layer),
                           .sample = static_cast<std::uint64_t>(a.pass.first_in_batch + lane)});
      for (Index first = 0; first < features; first += kChunk) {
        std::uint32_t words[kChunk];
        const Index n = std::min(kChunk, features - first);
        a.pass.stream->words(row, static_cast<std::uint64_t>(first),
                             {words, static_cast<std::size_t>(n)});
        for (Index i = 0; i < n; ++i)
          a.state[(first + i) * kLanes + lane] = words[i] < threshold ? T(0) : kept;
      }
    }
  }
  double rate_;
};

template <class T>
class Add final : public Layer<T> {
 public:
  using Layer<T>::Layer;
  void forward(const ForwardArguments<T>& a) const override {
    const Index n = numbers(*this);
    T* __restrict y = a.y;
    for (Index i = 0; i < n; ++i) y[i] = a.x[0][i] + a.x[1][i];
    for (std::size_t k = 2; k < a.x.size(); ++k)
      for (Index i = 0; i < n; ++i) y[i] += a.x[k][i];
  }
  void backward(const BackwardArguments<T>& a) const override {
    for (T* dx : a.dx)
      if (dx) std::copy_n(a.dy, numbers(*this), dx);
  }
};

}  // namespace

template <class T>
std::unique_ptr<Layer<T>> make_relu(const Shape& input) {
  return std::make_unique<Relu<T>>(same_shape(input));
}

template <class T>
std::unique_ptr<Layer<T>> make_flatten(const Shape& input) {
  LayerStructure s = same_shape(input);
  s.output = {input.features(), 1, 1};
  return std::make_unique<Flatten<T>>(std::move(s));
}

template <class T>
std::unique_ptr<Layer<T>> make_dropout(const LayerSpec& spec, const Shape& input) {
  LayerStructure s = same_shape(input);
  s.state = input.features() * kLanes;
  return std::make_unique<Dropout<T>>(std::move(s), spec.rate);
}

template <class T>
std::unique_ptr<Layer<T>> make_add(const LayerSpec& spec, const std::vector<Shape>& inputs) {
  if (inputs.size() < 2 || inputs.size() > kMostInputs)
    fail(spec, "adds 2 to " + std::to_string(kMostInputs) + " layers: inputs = [\"a\", \"b\"]");
  for (std::size_t k = 1; k < inputs.size(); ++k)
    if (inputs[k] != inputs[0])
      fail(spec,
           "adds outputs of different shapes, " + text(inputs[0]) + " and " + text(inputs[k]));
  LayerStructure s = same_shape(inputs[0]);
  s.inputs = inputs;
  return std::make_unique<Add<T>>(std::move(s));
}

template std::unique_ptr<Layer<float>> make_relu(const Shape&);
template std::unique_ptr<Layer<double>> make_relu(const Shape&);
template std::unique_ptr<Layer<float>> make_flatten(const Shape&);
template std::unique_ptr<Layer<double>> make_flatten(const Shape&);
template std::unique_ptr<Layer<float>> make_dropout(const LayerSpec&, const Shape&);
template std::unique_ptr<Layer<double>> make_dropout(const LayerSpec&, const Shape&);
template std::unique_ptr<Layer<float>> make_add(const LayerSpec&, const std::vector<Shape>&);
template std::unique_ptr<Layer<double>> make_add(const LayerSpec&, const std::vector<Shape>&);

}  // namespace ohmic::nn
