#include "nn/training_params.h"

#include <cmath>
#include <numbers>

#include "base/elementary.h"

namespace ohmic::nn {

void fields(FieldVisitor& f, TrainingParams& p) {
  f.field({.key = "epochs", .meaning = "passes over the training images", .low = 0, .high = 1e6},
          p.epochs);
  f.field({.key = "batch",
           .meaning = "images per step; gradients are means over it",
           .unit = "images",
           .low = 1,
           .high = 16384},
          p.batch);
  f.field({.key = "optimiser", .meaning = "update rule"}, p.optimiser, {"sgd", "adam", "adamw"});
  f.field({.key = "learning_rate", .meaning = "highest learning rate of the schedule", .low = 0},
          p.learning_rate);
  f.field(
      {.key = "schedule",
       .meaning = "learning rate over time: constant, in steps, half a cosine down to 0, or one "
                  "cycle up and down (Smith 2018)"},
      p.schedule, {"constant", "step", "cosine", "one_cycle"});
  const std::string_view no_steps =
      p.schedule == ScheduleKind::step ? "" : "schedule is not \"step\"";
  const bool is_cycle = p.schedule == ScheduleKind::one_cycle;
  const std::string_view no_cycle = is_cycle ? "" : "schedule is not \"one_cycle\"";
  f.field({.key = "warm_up_epochs",
           .meaning = "epochs of linear warm-up from 0",
           .unit = "epochs",
           .low = 0,
           .high = 1e6,
           .idle = is_cycle ? "schedule is \"one_cycle\", which rises by one_cycle_rise" : ""},
          p.warm_up_epochs);
  f.field({.key = "step_epochs",
           .meaning = "of schedule step: epochs between two reductions of the rate",
           .unit = "epochs",
           .low = 1,
           .high = 1e6,
           .idle = no_steps},
          p.step_epochs);
  f.field({.key = "step_factor",
           .meaning = "of schedule step: what the rate is multiplied by",
           .low = 0,
           .high = 1,
           .idle = no_steps},
          p.step_factor);
  f.field({.key = "one_cycle_rise",
           .meaning = "of schedule one_cycle: share of the steps in which the rate rises from 0",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .came_later = true,
           .idle = no_cycle},
          p.one_cycle_rise);
  f.field({.key = "one_cycle_fall",
           .meaning = "of schedule one_cycle: how the rate falls to 0 after that",
           .came_later = true,
           .idle = no_cycle},
          p.one_cycle_fall, {"cosine", "linear"});
  const bool is_sgd = p.optimiser == OptimiserKind::sgd;
  const std::string_view no_adam = is_sgd ? "optimiser is \"sgd\"" : "";
  f.field({.key = "momentum",
           .meaning = "momentum of sgd",
           .low = 0,
           .high = 1,
           .high_open = true,
           .idle = is_sgd ? "" : "optimiser is not \"sgd\""},
          p.momentum);
  f.field({.key = "nesterov",
           .meaning = "of sgd: take the gradient where momentum leads (Nesterov), as PyTorch does",
           .came_later = true,
           .idle = !is_sgd           ? "optimiser is not \"sgd\""
                   : p.momentum == 0 ? "momentum is 0"
                                     : ""},
          p.nesterov);
  f.field({.key = "beta1",
           .meaning = "of adam: decay of the mean gradient",
           .low = 0,
           .high = 1,
           .high_open = true,
           .idle = no_adam},
          p.beta1);
  f.field({.key = "beta2",
           .meaning = "of adam: decay of the mean square",
           .low = 0,
           .high = 1,
           .high_open = true,
           .idle = no_adam},
          p.beta2);
  f.field({.key = "epsilon",
           .meaning = "of adam: added to the root mean square",
           .low = 0,
           .low_open = true,
           .idle = no_adam},
          p.epsilon);
  f.field({.key = "weight_decay",
           .meaning = "decay of trained parameters towards 0, relative to the learning rate",
           .low = 0},
          p.weight_decay);
  f.field(
      {.key = "weight_decay_on",
       .meaning = "what decays: all trained parameters, or weights alone (matrices and filters, "
                  "not biases and batch-norm)",
       .came_later = true,
       .idle = p.weight_decay == 0 ? "weight_decay is 0" : ""},
      p.weight_decay_on, {"all", "weights"});
  f.field({.key = "label_smoothing",
           .meaning = "share of each label that is spread evenly over all classes (Szegedy et al. "
                      "2016)",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .high_open = true,
           .came_later = true},
          p.label_smoothing);
  f.field(
      {.key = "gradient_clip",
       .meaning = "longest gradient, over all trained parameters: a longer one is scaled down to "
                  "it; 0: none",
       .low = 0,
       .came_later = true},
      p.gradient_clip);
  f.field(
      {.key = "average_weights",
       .meaning = "use averaged weights in place of the last ones: an exponential moving average "
                  "of the steps (ema), or an equal one of the last epochs (swa)",
       .came_later = true},
      p.average_weights, {"none", "ema", "swa"});
  f.field({.key = "average_decay",
           .meaning = "of ema: weight of the average against that of a step's weights",
           .low = 0,
           .high = 1,
           .high_open = true,
           .came_later = true,
           .idle = p.average_weights == Averaging::ema ? "" : "average_weights is not \"ema\""},
          p.average_decay);
  f.field({.key = "average_from",
           .meaning = "of swa: share of the epochs after which averaging begins",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .high_open = true,
           .came_later = true,
           .idle = p.average_weights == Averaging::swa ? "" : "average_weights is not \"swa\""},
          p.average_from);
  f.field(
      {.key = "early_stop_epochs",
       .meaning = "stop after that many epochs without a higher validation accuracy, and use the "
                  "best epoch's weights; 0: never",
       .unit = "epochs",
       .low = 0,
       .high = 1e6,
       .came_later = true},
      p.early_stop_epochs);
  f.field(
      {.key = "batch_norm_statistics",
       .meaning = "what batch-norm normalises by in training: the batch, the group of 64 images "
                  "that shares a draw of weights, or fixed running statistics",
       .came_later = true},
      p.batch_norm_statistics, {"batch", "group", "fixed"});
  f.field({.key = "batch_norm_fixed_after_epochs",
           .meaning = "of fixed statistics: epochs by the batch, in which they are found",
           .unit = "epochs",
           .low = 0,
           .high = 1e6,
           .came_later = true,
           .idle = p.batch_norm_statistics == BatchNormStatistics::fixed
                       ? ""
                       : "batch_norm_statistics is not \"fixed\""},
          p.batch_norm_fixed_after_epochs);
  fields(f, p.augmentation);
  f.field({.key = "seed",
           .meaning = "seed of initial weights, order, augmentation, dropout and training noise",
           .low = 0,
           .high = 0x1p63,
           .high_open = true},
          p.seed);
  f.field({.key = "checkpoint_every_epochs",
           .meaning = "epochs between two checkpoints",
           .unit = "epochs",
           .low = 1,
           .high = 1e6,
           .affects_results = false},
          p.checkpoint_every_epochs);
  f.field({.key = "checkpoint_every_minutes",
           .meaning = "minutes between two checkpoints inside an epoch; 0: none there",
           .unit = "min",
           .low = 0,
           .high = 1e6,
           .affects_results = false},
          p.checkpoint_every_minutes);
}

double learning_rate(const TrainingParams& p, Index step, Index steps_per_epoch) {
  const bool is_cycle = p.schedule == ScheduleKind::one_cycle;
  const Index steps = static_cast<Index>(p.epochs) * steps_per_epoch;
  const Index warm =
      is_cycle ? static_cast<Index>(std::llround(p.one_cycle_rise * static_cast<double>(steps)))
               : static_cast<Index>(p.warm_up_epochs) * steps_per_epoch;
  if (step < warm)
    return p.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warm);
  switch (p.schedule) {
    case ScheduleKind::constant:
      return p.learning_rate;
    case ScheduleKind::step: {
      double rate = p.learning_rate;
      for (Index falls = step / steps_per_epoch / static_cast<Index>(p.step_epochs); falls > 0;
           --falls)
        rate *= p.step_factor;
      return rate;
    }
    case ScheduleKind::cosine:
    case ScheduleKind::one_cycle: {
      const double done = static_cast<double>(step - warm) / static_cast<double>(steps - warm);
      if (is_cycle && p.one_cycle_fall == CycleFall::linear) return p.learning_rate * (1 - done);
      return p.learning_rate * 0.5 * (1 + elementary::cos(std::numbers::pi * done));
    }
  }
  throw LogicError("unknown schedule");
}

}  // namespace ohmic::nn
