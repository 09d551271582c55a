#pragma once

#include "lab/methods/kind.h"
#include "nn/lipschitz.h"

namespace ohmic::lab {

/// CorrectNet's bound on what a layer may amplify, given the variation of its weights.
struct PenaltyOptions {
  double sigma = 0.5;  ///< of the variation that lambda follows
  nn::PenaltyParams penalty;
};
void fields(FieldVisitor& f, PenaltyOptions& p);
MethodKind penalty_kind();

/// Puts the penalty of every linear and conv layer into `hooks`; `network` must outlive them.
void add_penalty(const PenaltyOptions& options, const nn::Network& network,
                 nn::TrainingHooks& hooks);

/// The bound of MAC layer k.
double penalty_lambda(const PenaltyOptions& options, const nn::Network& network, Index k);

}  // namespace ohmic::lab
