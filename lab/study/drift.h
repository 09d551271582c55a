#pragma once

#include "lab/study/deploy.h"

/// A chip some time after its programming, and what is done digitally about its drift.
namespace ohmic::lab {

/// The same programmed cells `seconds` after programming: nothing is drawn anew.
ProgrammedLayers after_drift(const ProgrammedLayers& chip, double seconds);

/// Sum of |y| of every output of every MAC layer (empty: digital) over `clean`'s images and
/// positions, read through converters and noise at `reader`.
OutputMagnitudes output_magnitudes(const nn::Deployment& chip, const CleanActivations& clean,
                                   const ReadContext& reader);

/// `later` with every product multiplied by `fresh` (the same chip's magnitudes at programming
/// time) over its own now, over the whole layer (global) or an output (column). Source of the
/// global form: Joshi et al., Nat. Commun. 11, 2473 (2020). An output without any signal keeps the
/// factor 1.
nn::Deployment drift_compensated(DriftCompensation kind, const OutputMagnitudes& fresh,
                                 const nn::Deployment& later, const CleanActivations& clean,
                                 const ReadContext& reader);

}  // namespace ohmic::lab
