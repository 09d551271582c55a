#include "nn/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/parallel.h"
#include "base/progress.h"
#include "nn/inference.h"
#include "nn/permutation.h"

namespace ohmic::nn {
namespace {

class Trainer {
 public:
  Trainer(const Network& network, const Data& data, const TrainingParams& params,
          TrainingState state, const TrainingHooks& hooks)
      : network_(network),
        data_(data),
        params_(params),
        hooks_(hooks),
        stream_(static_cast<std::uint64_t>(params.seed)),
        state_(std::move(state)),
        steps_per_epoch_(block_count(data.train.size(), params.batch)),
        training_(network, data, params.batch, stream_, hooks.rules, params.augmentation) {}

  TrainingState run() {
    const Index steps = params_.epochs * steps_per_epoch_;
    Progress progress("training", steps, hooks_.quiet);
    progress.advance(std::min(state_.step, steps));
    while (state_.step < steps) {
      const Index epoch = state_.step / steps_per_epoch_;
      const std::vector<Index> order = permutation(
          data_.train.size(), stream_, order_address({.epoch = static_cast<std::uint64_t>(epoch)}));
      const Index images_before = state_.epoch_images;
      const auto start = std::chrono::steady_clock::now();
      for (Index step = state_.step % steps_per_epoch_; step < steps_per_epoch_; ++step) {
        if (hooks_.stop_requested && hooks_.stop_requested()) stop(epoch, step);
        const Index first = step * params_.batch;
        const Index count = std::min<Index>(params_.batch, data_.train.size() - first);
        take_step({order.data() + first, static_cast<std::size_t>(count)});
        progress.advance();
      }
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      finish_epoch(static_cast<double>(state_.epoch_images - images_before) / time.count());
    }
    return std::move(state_);
  }

 private:
  void take_step(std::span<const Index> images) {
    const auto step = static_cast<std::uint64_t>(state_.step);
    TrainingStep::Sums sums = training_.compute(state_.parameters, images, step);
    const Index blocks = training_.blocks(images.size());
    for (Index block = 0; block < blocks; ++block) follow_statistics(training_.observed(block));
    add_micro_batches(blocks);
    if (hooks_.sharpness_radius > 0) {
      training_.compute(ascended(training_.gradient()), images, step);
      add_micro_batches(blocks);
    }
    const double rate = learning_rate(params_, state_.step, steps_per_epoch_);
    // A coupled penalty goes through the optimiser, a decoupled one beside it.
    if (hooks_.penalty && !hooks_.penalty_is_decoupled)
      sums.loss += static_cast<double>(sums.images) *
                   hooks_.penalty(state_.parameters, training_.gradient());
    if (!std::isfinite(sums.loss))
      throw ConfigError("training diverged: the loss is not finite at epoch " +
                        std::to_string(state_.step / steps_per_epoch_ + 1) + ", step " +
                        std::to_string(state_.step % steps_per_epoch_ + 1) +
                        "; a training.learning_rate below " + shortest(params_.learning_rate) +
                        " may help");
    optimise(params_, network_, training_.gradient(), rate, state_.optimiser, state_.parameters,
             hooks_.rules.is_frozen.empty() ? nullptr : &hooks_.rules.is_frozen);
    if (hooks_.penalty && hooks_.penalty_is_decoupled) {
      set_zero(training_.gradient());
      hooks_.penalty(state_.parameters, training_.gradient());
      for_each_parameter(
          [&](Matrix<float>& w, const Matrix<float>& g) {
            kernels().f32.accumulate(w.size(), g.data(), -static_cast<float>(rate), w.data());
          },
          state_.parameters, training_.gradient());
    }
    state_.epoch_loss += sums.loss;
    state_.epoch_correct += sums.correct;
    state_.epoch_images += sums.images;
    ++state_.step;
  }

  void add_micro_batches(Index blocks) {
    for (Index block = 1; block < blocks; ++block)
      for_each_parameter(
          [](Matrix<float>& sum, const Matrix<float>& g) {
            kernels().f32.accumulate(sum.size(), g.data(), 1.0f, sum.data());
          },
          training_.gradient(), training_.observed(block));
  }

  /// The parameters at the worst point nearby: w + radius w^2 g / | |w| g | over the weights of MAC
  /// layers (adaptive sharpness-aware minimisation, Kwon et al., ICML 2021, with T_w = |w|: steps
  /// are relative, as multiplicative variation is).
  const ParameterSet<float>& ascended(const ParameterSet<float>& gradient) {
    double square = 0;
    for (const Index layer : network_.mac_layers()) {
      const auto l = static_cast<std::size_t>(layer);
      const Matrix<float>&w = state_.parameters[l][0].value, &g = gradient[l][0].value;
      for (Index i = 0; i < w.size(); ++i) {
        const double scaled = static_cast<double>(w.data()[i]) * g.data()[i];
        square += scaled * scaled;
      }
    }
    ascended_ = state_.parameters;
    if (square == 0) return ascended_;
    const double factor = hooks_.sharpness_radius / std::sqrt(square);
    for (const Index layer : network_.mac_layers()) {
      const auto l = static_cast<std::size_t>(layer);
      Matrix<float>& w = ascended_[l][0].value;
      const Matrix<float>& g = gradient[l][0].value;
      for (Index i = 0; i < w.size(); ++i) {
        const double value = w.data()[i];
        w.data()[i] = static_cast<float>(value + factor * value * value * g.data()[i]);
      }
    }
    return ascended_;
  }

  /// Running statistics of batch-norm follow those of each micro-batch, in order.
  void follow_statistics(const ParameterSet<float>& observed) {
    for (std::size_t l = 0; l < observed.size(); ++l)
      for (std::size_t p = 0; p < observed[l].size(); ++p) {
        const ParameterSpec& spec = network_.structure(static_cast<Index>(l)).parameters[p];
        if (spec.is_trained) continue;
        if (!hooks_.rules.is_frozen.empty() && hooks_.rules.is_frozen[l]) continue;
        const auto momentum = static_cast<float>(spec.momentum);
        Matrix<float>& running = state_.parameters[l][p].value;
        for (Index c = 0; c < running.size(); ++c)
          running(0, c) += momentum * (observed[l][p].value(0, c) - running(0, c));
      }
  }

  void finish_epoch(double images_per_second) {
    ++state_.epoch;
    const double images = static_cast<double>(state_.epoch_images);
    EpochReport report{.epoch = state_.epoch,
                       .epochs = params_.epochs,
                       .loss = state_.epoch_loss / images,
                       .train_accuracy = static_cast<double>(state_.epoch_correct) / images,
                       .learning_rate = learning_rate(params_, state_.step - 1, steps_per_epoch_),
                       .images_per_second = images_per_second};
    if (data_.validation.size() > 0)
      report.validation_accuracy =
          evaluate(network_, state_.parameters, data_.validation, data_.normalisation).accuracy;
    state_.course.loss.push_back(report.loss);
    state_.course.accuracy.push_back(report.train_accuracy);
    state_.course.validation_accuracy.push_back(report.validation_accuracy);
    state_.course.learning_rate.push_back(report.learning_rate);
    state_.course.monitors.push_back(monitor_layers(network_, state_.parameters, data_.train,
                                                    data_.normalisation, kMonitorSigma));
    state_.epoch_loss = 0;
    state_.epoch_correct = state_.epoch_images = 0;
    if (state_.epoch % params_.checkpoint_every_epochs == 0 || state_.epoch == params_.epochs)
      save();
    if (hooks_.on_epoch) hooks_.on_epoch(report);
  }

  void save() const {
    if (!hooks_.checkpoint.empty())
      save_checkpoint(hooks_.checkpoint, network_, state_, hooks_.digest);
  }

  [[noreturn]] void stop(Index epoch, Index step) const {
    save();
    throw Interrupted("training stopped in epoch " + std::to_string(epoch + 1) + " of " +
                      std::to_string(params_.epochs) + " after " + std::to_string(step) +
                      " of its " + std::to_string(steps_per_epoch_) + " steps; " +
                      (hooks_.checkpoint.empty()
                           ? "nothing was kept"
                           : "the same command goes on from " + hooks_.checkpoint.string()));
  }

  const Network& network_;
  const Data& data_;
  const TrainingParams& params_;
  const TrainingHooks& hooks_;
  RandomStream stream_;
  TrainingState state_;
  Index steps_per_epoch_;
  TrainingStep training_;
  ParameterSet<float> ascended_;  ///< of sharpness-aware steps
};

}  // namespace

TrainingState train(const Network& network, const Data& data, const TrainingParams& params,
                    TrainingState state, const TrainingHooks& hooks) {
  if (data.train.size() == 0) throw ConfigError("there are no training images");
  const OptimiserState fresh = initial_state(params, network);
  if (state.optimiser.moments.size() != fresh.moments.size() ||
      state.optimiser.moments.front().first != fresh.moments.front().first)
    throw ConfigError("the training to go on with used another training.optimiser");
  return Trainer(network, data, params, std::move(state), hooks).run();
}

TrainingState initial_training_state(const Network& network, const TrainingParams& params) {
  return {.parameters = initial_parameters(network, static_cast<std::uint64_t>(params.seed)),
          .optimiser = initial_state(params, network)};
}

}  // namespace ohmic::nn
