#pragma once

#include "lab/methods/kind.h"

namespace ohmic::lab {

/// Training whose products, forward and backward, go through weights that a fresh draw of variation
/// has changed.
struct InjectionOptions {
  double sigma = 0.5;
  double sigma_low = -1;  ///< at or above 0: a fresh sigma from [sigma_low, sigma] per micro-batch
  bool from_device = false;
};
void fields(FieldVisitor& f, InjectionOptions& p);
MethodKind injection_kind();

}  // namespace ohmic::lab
