#pragma once

#include <memory>
#include <vector>

#include "base/linear_operator.h"
#include "nn/correction.h"

namespace ohmic::nn {

/// Who multiplies: one entry per MAC layer, null for the layer's own ideal kernel.
struct Deployment {
  std::vector<std::shared_ptr<const LinearOperator>> macs;
  /// What is done digitally to a MAC layer's output, bias included; null for nothing. Empty:
  /// nothing anywhere.
  std::vector<std::shared_ptr<const DigitalCorrection>> after;
};

}  // namespace ohmic::nn
