#include "base/kernels_levels.h"
#include "base/kernels_loops.h"

namespace ohmic {
Kernels kernels_v3() { return kernels_of_level("v3"); }
}  // namespace ohmic
