#pragma once

#include <cstdint>

#include "nn/layer_spec.h"

namespace ohmic::nn {

struct CompensatorParams {
  std::int64_t filters = 0;        ///< generated maps
  std::string generator = "relu";  ///< their activation: "relu" or "identity"
  bool is_residual = false;
  std::int64_t pooling = 1;  ///< side of the squares of output pixels that share generated maps
};

/// A layer "<layer>_compensator" that corrects `layer`, which reads `input`.
LayerSpec compensator_behind(const std::string& layer, const std::string& input,
                             const CompensatorParams& params);

}  // namespace ohmic::nn
