#pragma once

#include "base/kernels.h"

/// One table a level; kernels.cpp chooses.
namespace ohmic {
Kernels kernels_v2();
Kernels kernels_v3();
Kernels kernels_v4();
Kernels kernels_generic();
}  // namespace ohmic
