#pragma once

#include "base/kernels.h"

/// The highest rate of fused multiply-adds of this processor: what every share of the peak is a
/// share of.
namespace ohmic::bench {

/// Single-precision multiply-accumulates per second of `threads` threads with the widest vectors
/// that it has: independent chains in registers, the best of 20 runs.
double peak_macs(int threads);

}  // namespace ohmic::bench
