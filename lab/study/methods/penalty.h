#pragma once

#include "lab/experiment/methods.h"
#include "nn/trainer.h"

namespace ohmic::lab {

/// Puts the penalty of every linear and conv layer into `hooks`; `network` must outlive them.
void add_penalty(const PenaltyOptions& options, const nn::Network& network,
                 nn::TrainingHooks& hooks);

/// The bound of MAC layer k.
double penalty_lambda(const PenaltyOptions& options, const nn::Network& network, Index k);

}  // namespace ohmic::lab
