#include "nn/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "base/parallel.h"
#include "base/progress.h"
#include "nn/forward.h"
#include "nn/inference.h"
#include "nn/loss.h"
#include "nn/permutation.h"
#include "nn/pool.h"

namespace ohmic::nn {
namespace {

/// What one thread needs for a sub-batch.
struct Worker {
  Worker(const Network& network, bool is_perturbed) : workspace(network, true) {
    if (!is_perturbed) return;
    noisy = zero_parameters<float>(network);
    derivative = zero_parameters<float>(network);
  }
  Workspace<float> workspace;
  ParameterSet<float> noisy, derivative;  ///< of variation-aware training
};

/// What a sub-batch yields.
struct SubBatch {
  ParameterSet<float> gradient;
  std::array<Score, kLanes> scores;
  Index images = 0;
};

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
        sub_batches_(static_cast<std::size_t>(block_count(params.batch, kLanes))),
        pool_(
            [this] { return std::make_unique<Worker>(network_, hooks_.perturbation != nullptr); }) {
    for (SubBatch& s : sub_batches_) s.gradient = zero_parameters<float>(network);
  }

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
    const Index blocks = block_count(static_cast<Index>(images.size()), kLanes);
    for_each_block(blocks, [&](Index block) {
      const auto first = static_cast<std::size_t>(block * kLanes);
      compute(block, images.subspan(first, std::min<std::size_t>(kLanes, images.size() - first)),
              images.size());
    });
    double loss = 0;
    for (Index block = 0; block < blocks; ++block) {
      const SubBatch& s = sub_batches_[static_cast<std::size_t>(block)];
      for (Index i = 0; i < s.images; ++i) {
        loss += s.scores[static_cast<std::size_t>(i)].loss;
        state_.epoch_correct += s.scores[static_cast<std::size_t>(i)].rank == 0;
      }
      follow_statistics(s.gradient);
      if (block > 0)
        for_each_parameter(
            [](Matrix<float>& sum, const Matrix<float>& g) {
              kernels().f32.accumulate(sum.size(), g.data(), 1.0f, sum.data());
            },
            sub_batches_[0].gradient, s.gradient);
    }
    if (!std::isfinite(loss))
      throw ConfigError("training diverged: the loss is not finite at epoch " +
                        std::to_string(state_.step / steps_per_epoch_ + 1) + ", step " +
                        std::to_string(state_.step % steps_per_epoch_ + 1) +
                        "; a training.learning_rate below " + shortest(params_.learning_rate) +
                        " may help");
    optimise(params_, network_, sub_batches_[0].gradient,
             learning_rate(params_, state_.step, steps_per_epoch_), state_.optimiser,
             state_.parameters);
    state_.epoch_loss += loss;
    state_.epoch_images += static_cast<Index>(images.size());
    ++state_.step;
  }

  /// Forward and backward of one sub-batch; the gradient is that of the mean over the whole batch.
  void compute(Index block, std::span<const Index> images, std::size_t batch) {
    SubBatch& s = sub_batches_[static_cast<std::size_t>(block)];
    const auto worker = pool_.borrow();
    Workspace<float>& workspace = worker->workspace;
    s.images = static_cast<Index>(images.size());
    set_zero(s.gradient);
    std::array<std::uint8_t, kLanes> lane_labels;
    const std::span<std::uint8_t> labels(lane_labels.data(), images.size());
    fill_lanes<float>(data_.train, data_.normalisation, images, workspace.input(), labels);

    const auto step = static_cast<std::uint64_t>(state_.step);
    const Pass pass{.mode = Mode::training,
                    .samples = s.images,
                    .stream = &stream_,
                    .step = step,
                    .first_in_batch = block * kLanes};
    const bool is_perturbed = hooks_.perturbation != nullptr;
    if (is_perturbed)
      perturb(*worker, {.step = step, .sub_batch = static_cast<std::uint64_t>(block)});
    const ParameterSet<float>& parameters = is_perturbed ? worker->noisy : state_.parameters;
    const Index last = network_.layers() - 1;
    forward(network_, parameters, workspace, pass);
    softmax_cross_entropy<float>(workspace.output(last), labels, s.scores,
                                 1 / static_cast<double>(batch), workspace.gradient(last));
    backward(network_, parameters, workspace, pass, s.gradient);
    if (is_perturbed) apply_derivative(worker->derivative, s.gradient);
  }

  /// The clean parameters with the weights of MAC layers as a chip would hold them, one draw for
  /// both passes.
  void perturb(Worker& worker, TrainingDraw draw) {
    worker.noisy = state_.parameters;
    for (const Index layer : network_.mac_layers()) {
      const auto l = static_cast<std::size_t>(layer);
      hooks_.perturbation->draw(stream_, Purpose::training_noise, draw,
                                state_.parameters[l][0].value, worker.noisy[l][0].value,
                                worker.derivative[l][0].value);
      ++draw.layer;
    }
  }

  /// dL/dw = dL/dw~ * dw~/dw.
  void apply_derivative(const ParameterSet<float>& derivative,
                        ParameterSet<float>& gradient) const {
    for (const Index layer : network_.mac_layers()) {
      const auto l = static_cast<std::size_t>(layer);
      Matrix<float>& g = gradient[l][0].value;
      for (Index i = 0; i < g.size(); ++i) g.data()[i] *= derivative[l][0].value.data()[i];
    }
  }

  /// Running statistics of batch-norm follow those of each sub-batch, in order.
  void follow_statistics(const ParameterSet<float>& observed) {
    for (std::size_t l = 0; l < observed.size(); ++l)
      for (std::size_t p = 0; p < observed[l].size(); ++p) {
        if (network_.structure(static_cast<Index>(l)).parameters[p].is_trained) continue;
        const auto momentum = static_cast<float>(network_.spec()[l].momentum);
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
  std::vector<SubBatch> sub_batches_;
  Pool<Worker> pool_;
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
