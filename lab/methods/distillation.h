#pragma once

#include "lab/methods/kind.h"

namespace ohmic::lab {

/// Knowledge distillation from the plain network of the same seed (nn::Distillation).
struct DistillationOptions {
  double temperature = 4.0, weight = 0.5;
};
void fields(FieldVisitor& f, DistillationOptions& p);
MethodKind distillation_kind();

}  // namespace ohmic::lab
