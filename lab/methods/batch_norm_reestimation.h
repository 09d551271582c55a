#pragma once

#include "lab/methods/kind.h"

namespace ohmic::lab {

MethodKind batch_norm_kind();

/// Batch-norm statistics re-estimated on the chip from `clean`'s images, earlier layers first;
/// `reader` names the chip and the read (kCalibrationRead).
void reestimate_batch_norm(const CleanActivations& clean, const ReadContext& reader, Chip& chip);

}  // namespace ohmic::lab
