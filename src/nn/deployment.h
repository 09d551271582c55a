#pragma once

#include <memory>
#include <vector>

#include "base/linear_operator.h"

namespace ohmic::nn {

/// Who multiplies: one entry a MAC layer, null for the layer's own ideal kernel.
struct Deployment {
  std::vector<std::shared_ptr<const LinearOperator>> macs;
};

}  // namespace ohmic::nn
