#include "lab/methods/sharpness.h"

namespace ohmic::lab {
namespace {

Method make(const SamOptions& o, const std::string&) {
  return {.train = [o](const nn::Network&, const TrainingAid&, MethodTraining& training) {
    training.hooks.sharpness_radius = o.radius;
  }};
}

}  // namespace

void fields(FieldVisitor& f, SamOptions& p) {
  f.field({.key = "radius",
           .meaning = "relative step to the worst point nearby (Kwon et al. 2021 use .5 to 2)",
           .low = 0,
           .low_open = true},
          p.radius);
}

MethodKind sharpness_kind() {
  return method_kind("sam", "sharpness-aware steps towards flat minima", make);
}

}  // namespace ohmic::lab
