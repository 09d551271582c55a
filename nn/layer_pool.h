#pragma once

#include <cstdint>

namespace ohmic::nn {

/// Parameters of the kinds `max_pool` and `average_pool`.
struct PoolParams {
  std::int64_t kernel = 0, stride = 0;  ///< [pixels]; stride 0: the kernel
};

}  // namespace ohmic::nn
