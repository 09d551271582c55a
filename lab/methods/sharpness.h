#pragma once

#include "lab/methods/kind.h"

namespace ohmic::lab {

/// Sharpness-aware minimisation with multiplicative, adaptive steps (Kwon et al. 2021).
struct SamOptions {
  double radius = 0.5;
};
void fields(FieldVisitor& f, SamOptions& p);
MethodKind sharpness_kind();

}  // namespace ohmic::lab
