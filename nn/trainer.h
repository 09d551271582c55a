#pragma once

#include <filesystem>
#include <functional>
#include <limits>

#include "nn/checkpoint.h"
#include "nn/dataset.h"
#include "nn/optimiser.h"
#include "nn/training_step.h"

namespace ohmic::nn {

struct EpochReport {
  Index epoch = 0, epochs = 0;          ///< epoch counts from 1
  double loss = 0, train_accuracy = 0;  ///< means over the epoch's images while training
  /// NaN without validation images.
  double validation_accuracy = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = 0;
  double images_per_second = 0;  ///< of training alone
};

/// What goes on around a training. Everything is borrowed and may be left out.
struct TrainingHooks {
  /// Variation-aware training: a fresh draw per micro-batch.
  StepRules rules = {};
  /// Adds a penalty's gradient to a gradient and returns its value.
  std::function<double(const ParameterSet<float>&, ParameterSet<float>&)> penalty = {};
  bool penalty_is_decoupled = false;
  double sharpness_radius = 0;  ///< above 0: multiplicative adaptive sharpness-aware steps
  std::function<void(const EpochReport&)> on_epoch = {};
  std::function<bool()> stop_requested = {};  ///< asked before each step
  /// Written every checkpoint_every_epochs and checkpoint_every_minutes, on a stop and at the end.
  std::filesystem::path checkpoint = {};
  std::string digest = {};  ///< goes into the checkpoint
  bool quiet = false;       ///< no progress line
};

/// Whether a training of `params` ends where `state` is: after params.epochs, or where the best
/// epoch lies params.early_stop_epochs back.
bool is_finished(const TrainingState& state, const TrainingParams& params);

/// The message where an early stop has no images to judge by.
std::string no_validation_images(const TrainingParams& params);

/// Trains from `state` (a fresh or a resumed one) to its end and returns the final state. A batch
/// is cut into micro-batches of kLanes images, whose gradients are added in order: no bit depends
/// on the number of threads, and a resumed training ends with the bits of an uninterrupted one.
/// Throws Interrupted on a stop (with a checkpoint, the state so far is in it) and ConfigError
/// where the loss is no longer finite, or an early stop has no validation images.
TrainingState train(const Network& network, const Data& data, const TrainingParams& params,
                    TrainingState state, const TrainingHooks& hooks = {});

/// The state before the first step: initial_parameters under params.seed.
TrainingState initial_training_state(const Network& network, const TrainingParams& params);

}  // namespace ohmic::nn
