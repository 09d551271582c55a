#include <algorithm>
#include <cmath>
#include <cstring>

#include "nn/channel_layer.h"
#include "nn/layer_kind.h"

/// Batch normalisation (Ioffe, Szegedy, ICML 2015): y = gamma (x - mean) / sqrt(variance + epsilon)
/// + beta, channel by channel. In training mode Pass::statistics says whose mean and variance:
/// those of the valid lanes of this block of up to kLanes images ("ghost" batch normalisation:
/// Hoffer, Hubara, Soudry, NeurIPS 2017), those of all blocks of the batch, merged in order (Chan,
/// Golub, LeVeque 1979), or the running ones, which inference uses too.
namespace ohmic::nn {
namespace {

struct BatchNormParams {
  double momentum = 0.1;  ///< of the running statistics
  double epsilon = 1e-5;
};

void batch_norm_fields(FieldVisitor& f, BatchNormParams& p) {
  f.field({.key = "momentum",
           .meaning = "weight of what a step observed in the running statistics",
           .low = 0,
           .high = 1},
          p.momentum);
  f.field({.key = "epsilon", .meaning = "added to the variance", .low = 0, .low_open = true},
          p.epsilon);
}

/// Sums over a channel of one lane block, then of all blocks of the batch: of forward (numbers,
/// mean, sum of squared deviations), of backward (numbers, sum of dy, sum of dy z).
struct ChannelSums {
  double count = 0, first = 0, second = 0;
};
/// Numbers of T that hold a ChannelSums.
template <class T>
constexpr Index kSumNumbers = static_cast<Index>(sizeof(ChannelSums) / sizeof(T));
/// Numbers of T per channel from forward to backward: sums, and mean and 1 / deviation as used.
template <class T>
constexpr Index kKept = kSumNumbers<T> + 2;

template <class T>
ChannelSums sums_at(const T* state, Index channel) {
  ChannelSums sums;
  std::memcpy(static_cast<void*>(&sums), state + channel * kKept<T>, sizeof sums);
  return sums;
}
template <class T>
void put_sums(const ChannelSums& sums, T* state, Index channel) {
  std::memcpy(state + channel * kKept<T>, &sums, sizeof sums);
}

template <class T>
class BatchNorm final : public ChannelLayer<T> {
 public:
  BatchNorm(LayerStructure s, const BatchNormParams& p)
      : ChannelLayer<T>(std::move(s)), epsilon_(p.epsilon) {}

  bool shares_sums(const Pass& pass) const override { return observes(pass); }

  void observe_channels(const ForwardArguments<T>& a, Index first, Index last) const override {
    for (Index c = first; c < last; ++c) {
      const T* x = a.x[0] + c * pixels() * kLanes;
      const double n = static_cast<double>(pixels() * a.pass.samples);
      const double mean =
          sum(a.pass.samples, [x](Index i) { return static_cast<double>(x[i]); }) / n;
      const double square = sum(a.pass.samples, [x, mean](Index i) {
        const double d = static_cast<double>(x[i]) - mean;
        return d * d;
      });
      put_sums({n, mean, square}, a.state, c);
    }
  }

  void observe_backward_channels(const BackwardArguments<T>& a, Index first,
                                 Index last) const override {
    for (Index c = first; c < last; ++c) {
      const T *x = a.x[0] + c * pixels() * kLanes, *dy = a.dy + c * pixels() * kLanes;
      const T mean = used(a.state, c)[0], inverse = used(a.state, c)[1];
      const ChannelSums forward = sums_at(a.state, c);
      const double n = static_cast<double>(pixels() * a.pass.samples);
      const double sum_dy =
          sum(a.pass.samples, [dy](Index i) { return static_cast<double>(dy[i]); });
      const double sum_dy_z = sum(a.pass.samples, [=](Index i) {
        return static_cast<double>(dy[i]) * static_cast<double>((x[i] - mean) * inverse);
      });
      a.gradient[kWeight].value(0, c) += static_cast<T>(sum_dy_z);
      a.gradient[kBias].value(0, c) += static_cast<T>(sum_dy);
      if (!observes(a.pass)) continue;
      // The variance that running statistics collect is the unbiased one, as PyTorch has it.
      a.gradient[kMean].value(0, c) = static_cast<T>(forward.first);
      a.gradient[kVariance].value(0, c) =
          static_cast<T>(forward.second / std::max(forward.count - 1, 1.0));
      put_sums({n, sum_dy, sum_dy_z}, a.state, c);
    }
  }

  void merge_sums(std::span<T* const> states, bool is_backward) const override {
    for (Index c = 0; c < this->channels(); ++c) {
      ChannelSums all;
      for (const T* state : states) {
        const ChannelSums own = sums_at(state, c);
        const double before = all.count;
        all.count += own.count;
        if (is_backward) {
          all.first += own.first;
          all.second += own.second;
          continue;
        }
        const double step = own.first - all.first;
        all.first += step * own.count / all.count;
        all.second += own.second + step * step * before * own.count / all.count;
      }
      for (T* state : states) put_sums(all, state, c);
    }
  }

  void forward_channels(const ForwardArguments<T>& a, Index first, Index last) const override {
    for (Index c = first; c < last; ++c) {
      double mean = static_cast<double>(a.parameters[kMean].value(0, c)),
             variance = static_cast<double>(a.parameters[kVariance].value(0, c));
      if (observes(a.pass)) {
        const ChannelSums sums = sums_at(a.state, c);
        mean = sums.first;
        variance = sums.second / sums.count;
      }
      T* kept = used(a.state, c);
      const T centre = kept[0] = static_cast<T>(mean);
      const T inverse = kept[1] = static_cast<T>(1 / std::sqrt(variance + epsilon_));
      const T scale = a.parameters[kWeight].value(0, c) * inverse,
              shift = a.parameters[kBias].value(0, c);
      const T* x = a.x[0] + c * pixels() * kLanes;
      T* y = a.y + c * pixels() * kLanes;
      const Index numbers = this->numbers();
#pragma GCC ivdep
      for (Index i = 0; i < numbers; ++i) y[i] = (x[i] - centre) * scale + shift;
    }
  }

  void backward_channels(const BackwardArguments<T>& a, Index first, Index last) const override {
    if (!observes(a.pass)) observe_backward_channels(a, first, last);
    if (!a.dx[0]) return;
    for (Index c = first; c < last; ++c) {
      const T *x = a.x[0] + c * pixels() * kLanes, *dy = a.dy + c * pixels() * kLanes;
      T* dx = a.dx[0] + c * pixels() * kLanes;
      const T mean = used(a.state, c)[0], inverse = used(a.state, c)[1];
      const T scale = a.parameters[kWeight].value(0, c) * inverse;
      T mean_dy = 0, mean_dy_z = 0;
      if (observes(a.pass)) {
        const ChannelSums sums = sums_at(a.state, c);
        mean_dy = static_cast<T>(sums.first / sums.count);
        mean_dy_z = static_cast<T>(sums.second / sums.count);
      }
      const auto slope = [=](Index i) {
        return scale * (dy[i] - mean_dy - (x[i] - mean) * inverse * mean_dy_z);
      };
      if (a.pass.samples == kLanes) {
        const Index numbers = this->numbers();
#pragma GCC ivdep
        for (Index i = 0; i < numbers; ++i)
          dx[i] = scale * (dy[i] - mean_dy - (x[i] - mean) * inverse * mean_dy_z);
        continue;
      }
      for (Index row = 0; row < pixels(); ++row)
        for (Index lane = 0; lane < kLanes; ++lane) {
          const Index i = row * kLanes + lane;
          dx[i] = lane < a.pass.samples ? slope(i) : T(0);
        }
    }
  }

 private:
  enum { kWeight, kBias, kMean, kVariance };
  Index pixels() const { return this->structure().output.height * this->structure().output.width; }
  static bool observes(const Pass& pass) {
    return pass.mode == Mode::training && pass.statistics != Statistics::running;
  }
  static T* used(T* state, Index channel) { return state + channel * kKept<T> + kSumNumbers<T>; }
  /// Sum of value(i) over a channel's valid lanes, lanes side by side first.
  template <class Value>
  double sum(Index samples, Value value) const {
    double lanes[kLanes] = {};
    if (samples == kLanes)
      for (Index row = 0; row < pixels(); ++row)
        for (Index lane = 0; lane < kLanes; ++lane) lanes[lane] += value(row * kLanes + lane);
    else
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
  s.works_in_place = true;
  s.reads_output_backward = false;
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
  s.state = kKept<float> * channels;  // doubles need fewer
  return s;
}

}  // namespace

LayerKind batch_norm_kind() {
  LayerKind kind = layer_kind<BatchNorm>("batch_norm", batch_norm_fields, batch_norm_structure);
  kind.folds = true;
  return kind;
}

}  // namespace ohmic::nn
