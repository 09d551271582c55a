#include "base/kernels_levels.h"
#include "base/kernels_loops.h"

namespace ohmic {
Kernels kernels_v2() { return kernels_of_level("v2"); }
}  // namespace ohmic
