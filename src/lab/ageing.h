#pragma once

#include "lab/deploy.h"

/// A chip at another time after its programming, and what is done digitally about its drift.
namespace ohmic::lab {

/// The same programmed cells `seconds` after programming: nothing is drawn anew.
nn::Deployment aged(const nn::Deployment& chip, double seconds);

/// `later` with every product multiplied by what `clean`'s images give on `fresh` (the same chip at
/// programming time) over what they give on `later`, both read through converters and noise at
/// `reader`: the ratio of sums of magnitudes, over the whole layer (global) or an output (column).
/// Source of the global form: Joshi et al., Nat. Commun. 11, 2473 (2020). An output without any
/// signal keeps the factor 1.
nn::Deployment drift_compensated(DriftCompensation kind, const nn::Deployment& fresh,
                                 const nn::Deployment& later, const CleanActivations& clean,
                                 const ReadContext& reader);

}  // namespace ohmic::lab
