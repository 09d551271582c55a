#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nn/network.h"
#include "nn/training_params.h"

namespace ohmic::nn {

/// What an optimiser remembers: sgd a "momentum", adam and adamw a "first_moment" and a
/// "second_moment".
struct OptimiserState {
  Index steps = 0;  ///< taken so far
  std::vector<std::pair<std::string, ParameterSet<float>>> moments;
};

/// Copies of the trained parameters that a training keeps: themselves, at most two moments, and
/// what averages and early stops remember.
inline Index kept_copies(const TrainingParams& params) {
  return 3 + (params.average_weights != Averaging::none) + (params.early_stop_epochs > 0);
}

/// The state before the first step.
OptimiserState initial_state(const TrainingParams& params, const Network& network);

/// One step on the trained parameters, as PyTorch takes it: sgd with momentum (Nesterov's, if asked
/// for) and weight decay, adam (decay added to the gradient), adamw (decay apart: Loshchilov,
/// Hutter, ICLR 2019). Running statistics and frozen layers are left alone.
void optimise(const TrainingParams& params, const Network& network,
              const ParameterSet<float>& gradient, double learning_rate, OptimiserState& state,
              ParameterSet<float>& parameters, const std::vector<bool>* is_frozen = nullptr);

}  // namespace ohmic::nn
