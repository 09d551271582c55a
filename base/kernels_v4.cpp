#include "base/kernels_levels.h"
#include "base/kernels_loops.h"

namespace ohmic {
Kernels kernels_v4() { return kernels_of_level("v4"); }
}  // namespace ohmic
