#pragma once

#include "lab/methods/kind.h"

namespace ohmic::lab {

MethodKind mean_correction_kind();

/// Divides every product by the mean of what programming (and drift) multiplies weights with: one
/// factor per layer, from the means of its cells as `options` programs them (verified ones at what
/// verification leaves, cells at their targets there); free.
void add_mean_correction(const HardwarePlan& plan, const sim::ChipOptions& options, Chip& chip);

}  // namespace ohmic::lab
