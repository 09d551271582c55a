#pragma once

#include "nn/network.h"

namespace ohmic::nn {

/// Scales the gradient of the trained parameters down to norm `limit` where it is longer (Pascanu,
/// Mikolov, Bengio, ICML 2013), all of them together, and returns the norm before. Running
/// statistics and frozen layers (null: none) neither count nor change.
double clip_gradient(const Network& network, const std::vector<bool>* is_frozen, double limit,
                     ParameterSet<float>& gradient);

}  // namespace ohmic::nn
