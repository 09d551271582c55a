#pragma once

#include <cstdint>

#include "base/matrix.h"
#include "io/fields.h"
#include "nn/augmentation_params.h"

namespace ohmic::nn {

enum class OptimiserKind { sgd, adam, adamw };
enum class BatchNormStatistics { batch, group, fixed };
enum class ScheduleKind { constant, step, cosine, one_cycle };
enum class CycleFall { cosine, linear };
enum class DecayOn { all, weights };
enum class Averaging { none, ema, swa };

/// The `[training]` table. Defaults are the reference recipe (docs: LeNet-5 on Fashion-MNIST).
struct TrainingParams {
  std::int64_t epochs = 6;
  std::int64_t batch = 128;
  OptimiserKind optimiser = OptimiserKind::adam;
  double learning_rate = 1e-3;
  ScheduleKind schedule = ScheduleKind::cosine;
  std::int64_t warm_up_epochs = 0;
  std::int64_t step_epochs = 30;
  double step_factor = 0.1;
  double one_cycle_rise = 0.3;
  CycleFall one_cycle_fall = CycleFall::cosine;
  double momentum = 0.9;
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;
  BatchNormStatistics batch_norm_statistics = BatchNormStatistics::batch;
  std::int64_t batch_norm_fixed_after_epochs = 2;
  DecayOn weight_decay_on = DecayOn::all;
  double label_smoothing = 0;
  double gradient_clip = 0;  ///< 0: none
  Averaging average_weights = Averaging::none;
  double average_decay = 0.999;
  double average_from = 0.75;
  std::int64_t early_stop_epochs = 0;  ///< 0: never
  AugmentationParams augmentation;
  std::int64_t seed = 1;
  std::int64_t checkpoint_every_epochs = 1;
  double checkpoint_every_minutes = 10;  ///< 0: only between epochs
};
void fields(FieldVisitor& f, TrainingParams& params);

/// The learning rate of step `step` (from 0) of a training with `steps_per_epoch` steps per epoch:
/// linear warm-up from 1/steps of the rate to the rate, then constant, x step_factor every
/// step_epochs, or half a cosine down to 0. One cycle (Smith, arXiv:1803.09820, 2018) is a linear
/// warm-up over a fraction of all steps, then half a cosine or a line down to 0.
double learning_rate(const TrainingParams& params, Index step, Index steps_per_epoch);

}  // namespace ohmic::nn
