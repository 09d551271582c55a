#include <algorithm>

#include "nn/layer_kind.h"

namespace ohmic::nn {
namespace {

struct DropoutParams {
  double rate = 0.5;
};

void dropout_fields(FieldVisitor& f, DropoutParams& p) {
  f.field({.key = "rate",
           .meaning = "fraction of features set to 0 in training",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .high_open = true},
          p.rate);
}

/// Zeroes a fraction `rate` of the features in training and scales the others by 1 / (1 - rate);
/// the factors are kept in `state`. A draw is addressed by (step, layer, sample, feature).
template <class T>
class Dropout final : public Layer<T> {
 public:
  Dropout(LayerStructure s, const DropoutParams& p) : Layer<T>(std::move(s)), rate_(p.rate) {}

  void forward(const ForwardArguments<T>& a) const override {
    const Index n = numbers();
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
    for (Index i = 0; i < numbers(); ++i) a.dx[0][i] = drops ? a.dy[i] * a.state[i] : a.dy[i];
  }

 private:
  Index numbers() const { return this->structure().output.features() * kLanes; }
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

LayerStructure dropout_structure(const LayerSpec&, const DropoutParams&,
                                 const std::vector<Shape>& inputs) {
  LayerStructure s;
  s.inputs = inputs;
  s.output = inputs.front();
  s.state = s.output.features() * kLanes;
  return s;
}

}  // namespace

LayerKind dropout_kind() {
  return layer_kind<Dropout>("dropout", dropout_fields, dropout_structure);
}

}  // namespace ohmic::nn
