#include "nn/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/console.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "nn/gradient_clip.h"
#include "nn/inference.h"
#include "nn/own_statistics.h"
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
        rules_(with_smoothing(hooks.rules, params)),
        stream_(static_cast<std::uint64_t>(params.seed)),
        state_(std::move(state)),
        steps_per_epoch_(block_count(data.train.size(), params.batch)),
        training_(network, data, params.batch, stream_, rules_, params.augmentation) {}

  TrainingState run() {
    Progress progress("training", params_.epochs * data_.train.size(), hooks_.quiet, "images");
    progress.begin_at(state_.epoch * data_.train.size() + state_.epoch_images);
    while (!is_finished(state_, params_)) {
      const Index epoch = state_.step / steps_per_epoch_;
      const std::vector<Index> order = permutation(
          data_.train.size(), stream_, order_address({.epoch = static_cast<std::uint64_t>(epoch)}));
      const Index images_before = state_.epoch_images;
      const auto start = std::chrono::steady_clock::now();
      for (Index step = state_.step % steps_per_epoch_; step < steps_per_epoch_; ++step) {
        if (hooks_.stop_requested && hooks_.stop_requested()) stop(epoch, step);
        save_if_due();
        const Index first = step * params_.batch;
        const Index count = std::min<Index>(params_.batch, data_.train.size() - first);
        take_step({order.data() + first, static_cast<std::size_t>(count)});
        progress.advance(count, progress.is_visible() ? epoch_so_far() : "");
      }
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
      finish_epoch(static_cast<double>(state_.epoch_images - images_before) / time.count());
    }
    return std::move(state_);
  }

 private:
  static StepRules with_smoothing(StepRules rules, const TrainingParams& params) {
    rules.label_smoothing = params.label_smoothing;
    return rules;
  }
  /// Null: none are.
  const std::vector<bool>* frozen() const {
    return rules_.is_frozen.empty() ? nullptr : &rules_.is_frozen;
  }

  void take_step(std::span<const Index> images) {
    const auto step = static_cast<std::uint64_t>(state_.step);
    const Statistics statistics = statistics_now();
    TrainingStep::Sums sums = training_.compute(state_.parameters, images, step, statistics);
    const Index blocks = training_.blocks(images.size());
    // Those of the batch are the same in every block.
    const Index observed = statistics == Statistics::running ? 0
                           : statistics == Statistics::batch ? 1
                                                             : blocks;
    for (Index block = 0; block < observed; ++block) follow_statistics(training_.observed(block));
    add_micro_batches(blocks);
    if (hooks_.sharpness_radius > 0) {
      training_.compute(ascended(training_.gradient()), images, step, statistics);
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
    if (params_.gradient_clip > 0)
      clip_gradient(network_, frozen(), params_.gradient_clip, training_.gradient());
    optimise(params_, network_, training_.gradient(), rate, state_.optimiser, state_.parameters,
             frozen());
    if (hooks_.penalty && hooks_.penalty_is_decoupled) {
      set_zero(training_.gradient());
      hooks_.penalty(state_.parameters, training_.gradient());
      for_each_parameter(
          [&](Matrix<float>& w, const Matrix<float>& g) {
            kernels().f32.accumulate(w.size(), g.data(), -static_cast<float>(rate), w.data());
          },
          state_.parameters, training_.gradient());
    }
    if (params_.average_weights == Averaging::ema)
      add_decaying(state_.average, state_.parameters, params_.average_decay);
    state_.epoch_loss += sums.loss;
    state_.epoch_correct += sums.correct;
    state_.epoch_images += sums.images;
    ++state_.step;
  }

  Statistics statistics_now() const {
    switch (params_.batch_norm_statistics) {
      case BatchNormStatistics::group:
        return Statistics::group;
      case BatchNormStatistics::fixed:
        if (state_.epoch >= params_.batch_norm_fixed_after_epochs) return Statistics::running;
        [[fallthrough]];
      case BatchNormStatistics::batch:
        return Statistics::batch;
    }
    throw LogicError("unknown statistics");
  }

  void add_micro_batches(Index blocks) {
    for (Index block = 1; block < blocks; ++block)
      for_each_parameter(
          [](Matrix<float>& sum, const Matrix<float>& g) {
            for_each_part(sum.size(), 1, [&](Index first, Index last) {
              kernels().f32.accumulate(last - first, g.data() + first, 1.0f, sum.data() + first);
            });
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
        if (frozen() && (*frozen())[l]) continue;
        const auto momentum = static_cast<float>(spec.momentum);
        Matrix<float>& running = state_.parameters[l][p].value;
        for (Index c = 0; c < running.size(); ++c)
          running(0, c) += momentum * (observed[l][p].value(0, c) - running(0, c));
      }
  }

  /// The weights that count: averaged ones, once there are any.
  const ParameterSet<float>& used() const {
    return state_.average.terms > 0 ? state_.average.parameters : state_.parameters;
  }

  void finish_average() {
    if (params_.average_weights == Averaging::swa &&
        static_cast<double>(state_.epoch) >
            params_.average_from * static_cast<double>(params_.epochs))
      add_equally(state_.average, state_.parameters);
    if (state_.average.terms == 0) return;
    const Statistics statistics = statistics_now();
    if (statistics == Statistics::running)
      copy_statistics(network_, state_.parameters, state_.average.parameters);
    else
      measure_statistics(network_, data_.train, params_.batch, frozen(), training_,
                         static_cast<std::uint64_t>(state_.step), statistics,
                         state_.average.parameters);
  }

  /// The state of a finished training: the weights that count, and no others.
  void keep_used() {
    state_.parameters = params_.early_stop_epochs > 0 ? std::move(state_.best.parameters)
                                                      : ParameterSet<float>(used());
    state_.best.parameters.clear();
    state_.average = {};
  }

  void finish_epoch(double images_per_second) {
    ++state_.epoch;
    finish_average();
    const double images = static_cast<double>(state_.epoch_images);
    EpochReport report{.epoch = state_.epoch,
                       .epochs = params_.epochs,
                       .loss = state_.epoch_loss / images,
                       .train_accuracy = static_cast<double>(state_.epoch_correct) / images,
                       .learning_rate = learning_rate(params_, state_.step - 1, steps_per_epoch_),
                       .images_per_second = images_per_second};
    if (data_.validation.size() > 0)
      report.validation_accuracy =
          evaluate(network_, used(), data_.validation, data_.normalisation).accuracy;
    state_.course.loss.push_back(report.loss);
    state_.course.accuracy.push_back(report.train_accuracy);
    state_.course.validation_accuracy.push_back(report.validation_accuracy);
    state_.course.learning_rate.push_back(report.learning_rate);
    state_.course.monitors.push_back(
        monitor_layers(network_, used(), data_.train, data_.normalisation, kMonitorSigma));
    state_.epoch_loss = 0;
    state_.epoch_correct = state_.epoch_images = 0;
    if (params_.early_stop_epochs > 0 &&
        (state_.best.epoch == 0 || report.validation_accuracy > state_.best.accuracy))
      state_.best = {
          .epoch = state_.epoch, .accuracy = report.validation_accuracy, .parameters = used()};
    if (is_finished(state_, params_)) keep_used();
    if (state_.epoch % params_.checkpoint_every_epochs == 0 || is_finished(state_, params_)) save();
    if (hooks_.on_epoch) hooks_.on_epoch(report);
  }

  void save() {
    if (!hooks_.checkpoint.empty())
      save_checkpoint(hooks_.checkpoint, network_, state_, hooks_.digest);
    saved_ = Clock::now();
  }

  /// Between two steps, where a state can go on from: not after an epoch's last, before it is
  /// finished.
  void save_if_due() {
    const std::chrono::duration<double, std::ratio<60>> since = Clock::now() - saved_;
    if (params_.checkpoint_every_minutes > 0 && since.count() >= params_.checkpoint_every_minutes)
      save();
  }

  /// Of the live line.
  std::string epoch_so_far() const {
    const double images = static_cast<double>(state_.epoch_images);
    return fmt::format("epoch {}, loss {:.3f}, accuracy {} %", state_.epoch + 1,
                       state_.epoch_loss / images,
                       per_cent(static_cast<double>(state_.epoch_correct) / images, 1));
  }

  [[noreturn]] void stop(Index epoch, Index step) {
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
  StepRules rules_;
  RandomStream stream_;
  TrainingState state_;
  Index steps_per_epoch_;
  TrainingStep training_;
  ParameterSet<float> ascended_;  ///< of sharpness-aware steps
  using Clock = std::chrono::steady_clock;
  Clock::time_point saved_ = Clock::now();  ///< or the beginning
};

}  // namespace

bool is_finished(const TrainingState& state, const TrainingParams& params) {
  return state.epoch >= params.epochs ||
         (params.early_stop_epochs > 0 && state.best.epoch > 0 &&
          state.epoch - state.best.epoch >= params.early_stop_epochs);
}

std::string no_validation_images(const TrainingParams& params) {
  return "training.early_stop_epochs = " + std::to_string(params.early_stop_epochs) +
         " needs validation images to judge by; set data.validation above 0";
}

TrainingState train(const Network& network, const Data& data, const TrainingParams& params,
                    TrainingState state, const TrainingHooks& hooks) {
  if (data.train.size() == 0) throw ConfigError("there are no training images");
  if (params.early_stop_epochs > 0 && data.validation.size() == 0)
    throw ConfigError(no_validation_images(params));
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
