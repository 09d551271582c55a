#pragma once

#include "base/kernels.h"

/// One table per level; kernels_choice.cpp chooses.
namespace ohmic {
Kernels kernels_v2();
Kernels kernels_v3();
Kernels kernels_v4();
Kernels kernels_generic();
}  // namespace ohmic
