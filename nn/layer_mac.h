#pragma once

#include <cstdint>

namespace ohmic::nn {

/// Parameters of the kinds `linear` (outputs, bias) and `conv` (all; its outputs are filters).
struct MacParams {
  std::int64_t outputs = 0;
  std::int64_t kernel = 0, stride = 0, padding = 0;  ///< [pixels]; stride 0: 1
  bool bias = true;
};

}  // namespace ohmic::nn
