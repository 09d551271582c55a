#include "base/kernels_levels.h"
#include "base/kernels_loops.h"

namespace ohmic {
Kernels kernels_generic() { return kernels_of_level("generic"); }
}  // namespace ohmic
