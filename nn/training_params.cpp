#include "nn/training_params.h"

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
  f.field({.key = "schedule",
           .meaning = "learning rate over time: constant, in steps, or half a cosine down to 0"},
          p.schedule, {"constant", "step", "cosine"});
  const std::string_view no_steps =
      p.schedule == ScheduleKind::step ? "" : "schedule is not \"step\"";
  f.field({.key = "warm_up_epochs",
           .meaning = "epochs of linear warm-up from 0",
           .unit = "epochs",
           .low = 0,
           .high = 1e6},
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
  const bool is_sgd = p.optimiser == OptimiserKind::sgd;
  const std::string_view no_adam = is_sgd ? "optimiser is \"sgd\"" : "";
  f.field({.key = "momentum",
           .meaning = "momentum of sgd",
           .low = 0,
           .high = 1,
           .high_open = true,
           .idle = is_sgd ? "" : "optimiser is not \"sgd\""},
          p.momentum);
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
  f.field({.key = "weight_decay", .meaning = "decay towards 0 of all trained parameters", .low = 0},
          p.weight_decay);
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
}

double learning_rate(const TrainingParams& p, Index step, Index steps_per_epoch) {
  const auto warm = static_cast<Index>(p.warm_up_epochs) * steps_per_epoch;
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
    case ScheduleKind::cosine: {
      const Index rest = static_cast<Index>(p.epochs) * steps_per_epoch - warm;
      const double done = static_cast<double>(step - warm) / static_cast<double>(rest);
      return p.learning_rate * 0.5 * (1 + elementary::cos(std::numbers::pi * done));
    }
  }
  throw LogicError("unknown schedule");
}

}  // namespace ohmic::nn
