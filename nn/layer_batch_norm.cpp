#include <algorithm>
#include <cmath>

#include "nn/layer_kind.h"

/// Batch normalisation (Ioffe, Szegedy, ICML 2015): y = gamma (x - mean) / sqrt(variance + epsilon)
/// + beta, channel by channel. In training mode mean and variance are those of the valid lanes of
/// this block of up to kLanes images, not of the whole batch ("ghost" batch normalisation: Hoffer,
/// Hubara, Soudry, NeurIPS 2017), so that a batch's bits do not depend on how its blocks are spread
/// over threads. In inference mode they are the running statistics.
namespace ohmic::nn {
namespace {

struct BatchNormParams {
  double momentum = 0.1;  ///< of the running statistics
  double epsilon = 1e-5;
};

void batch_norm_fields(FieldVisitor& f, BatchNormParams& p) {
  f.field({.key = "momentum",
           .meaning = "weight of a micro-batch in the running statistics",
           .low = 0,
           .high = 1},
          p.momentum);
  f.field({.key = "epsilon", .meaning = "added to the variance", .low = 0, .low_open = true},
          p.epsilon);
}

constexpr Index kKept =
    3;  ///< numbers per channel from forward to backward: mean, 1/deviation, variance

template <class T>
class BatchNorm final : public Layer<T> {
 public:
  BatchNorm(LayerStructure s, const BatchNormParams& p)
      : Layer<T>(std::move(s)), epsilon_(p.epsilon) {}

  void forward(const ForwardArguments<T>& a) const override {
    for (Index c = 0; c < channels(); ++c) {
      const T* x = a.x[0] + c * pixels() * kLanes;
      const double n = static_cast<double>(pixels() * a.pass.samples);
      double mean = 0, variance = 0;
      if (a.pass.mode == Mode::training) {
        mean = sum(a.pass.samples, [&](Index i) { return static_cast<double>(x[i]); }) / n;
        variance = sum(a.pass.samples,
                       [&](Index i) {
                         const double d = static_cast<double>(x[i]) - mean;
                         return d * d;
                       }) /
                   n;
      } else {
        mean = static_cast<double>(a.parameters[kMean].value(0, c));
        variance = static_cast<double>(a.parameters[kVariance].value(0, c));
      }
      const T centre = static_cast<T>(mean),
              inverse = static_cast<T>(1 / std::sqrt(variance + epsilon_));
      T* kept = a.state + kKept * c;
      kept[0] = centre;
      kept[1] = inverse;
      kept[2] = static_cast<T>(variance);
      const T scale = a.parameters[kWeight].value(0, c) * inverse,
              shift = a.parameters[kBias].value(0, c);
      T* __restrict y = a.y + c * pixels() * kLanes;
      for (Index i = 0; i < pixels() * kLanes; ++i) y[i] = (x[i] - centre) * scale + shift;
    }
  }

  void backward(const BackwardArguments<T>& a) const override {
    const bool is_training = a.pass.mode == Mode::training;
    const double n = static_cast<double>(pixels() * a.pass.samples);
    for (Index c = 0; c < channels(); ++c) {
      const T* x = a.x[0] + c * pixels() * kLanes;
      const T* dy = a.dy + c * pixels() * kLanes;
      const T* kept = a.state + kKept * c;
      const T mean = kept[0], inverse = kept[1];
      const double sum_dy =
          sum(a.pass.samples, [&](Index i) { return static_cast<double>(dy[i]); });
      const double sum_dy_z = sum(a.pass.samples, [&](Index i) {
        return static_cast<double>(dy[i]) * static_cast<double>((x[i] - mean) * inverse);
      });
      a.gradient[kWeight].value(0, c) += static_cast<T>(sum_dy_z);
      a.gradient[kBias].value(0, c) += static_cast<T>(sum_dy);
      if (is_training) {
        // The variance that running statistics collect is the unbiased one, as PyTorch has it.
        a.gradient[kMean].value(0, c) = mean;
        a.gradient[kVariance].value(0, c) = kept[2] * static_cast<T>(n / std::max(n - 1, 1.0));
      }
      if (!a.dx[0]) continue;
      T* dx = a.dx[0] + c * pixels() * kLanes;
      const T scale = a.parameters[kWeight].value(0, c) * inverse;
      const T mean_dy = is_training ? static_cast<T>(sum_dy / n) : T(0);
      const T mean_dy_z = is_training ? static_cast<T>(sum_dy_z / n) : T(0);
      std::fill_n(dx, pixels() * kLanes, T(0));
      for (Index row = 0; row < pixels(); ++row)
        for (Index i = row * kLanes; i < row * kLanes + a.pass.samples; ++i)
          dx[i] = scale * (dy[i] - mean_dy - (x[i] - mean) * inverse * mean_dy_z);
    }
  }

 private:
  enum { kWeight, kBias, kMean, kVariance };
  Index channels() const { return this->structure().output.channels; }
  Index pixels() const { return this->structure().output.height * this->structure().output.width; }

  /// Sum of value(i) over a channel's valid lanes, lanes side by side first.
  template <class Value>
  double sum(Index samples, Value value) const {
    double lanes[kLanes] = {};
    for (Index row = 0; row < pixels(); ++row)
      for (Index lane = 0; lane < samples; ++lane) lanes[lane] += value(row * kLanes + lane);
    double total = 0;
    for (Index lane = 0; lane < samples; ++lane) total += lanes[lane];
    return total;
  }
  double epsilon_;
};

LayerStructure batch_norm_structure(const LayerSpec&, const BatchNormParams& p,
                                    const std::vector<Shape>& inputs) {
  const Index channels = inputs.front().channels;
  LayerStructure s;
  s.inputs = inputs;
  s.output = inputs.front();
  s.parameters = {
      {.name = "weight", .rows = 1, .columns = channels, .initial = 1, .stored_as = {channels}},
      {.name = "bias", .rows = 1, .columns = channels},
      {.name = "running_mean",
       .rows = 1,
       .columns = channels,
       .is_trained = false,
       .momentum = p.momentum},
      {.name = "running_variance",
       .rows = 1,
       .columns = channels,
       .initial = 1,
       .is_trained = false,
       .momentum = p.momentum}};
  s.batch_norm = BatchNormRole{.epsilon = p.epsilon};
  s.state = kKept * channels;
  return s;
}

}  // namespace

LayerKind batch_norm_kind() {
  LayerKind kind = layer_kind<BatchNorm>("batch_norm", batch_norm_fields, batch_norm_structure);
  kind.folds = true;
  return kind;
}

}  // namespace ohmic::nn
