#include "lab/methods/distillation.h"

namespace ohmic::lab {
namespace {

Method make(const DistillationOptions& o, const std::string&) {
  return {.train = [o](const nn::Network&, const TrainingAid& aid, MethodTraining& training) {
    const nn::TrainedNetwork& teacher = training.keep(aid.plain_network());
    training.hooks.rules.distillation = &training.keep(std::make_shared<const nn::Distillation>(
        nn::Distillation{.teacher = {&teacher.network, &teacher.parameters},
                         .temperature = o.temperature,
                         .weight = o.weight}));
  }};
}

}  // namespace

void fields(FieldVisitor& f, DistillationOptions& p) {
  f.field({.key = "temperature", .meaning = "of the softened outputs", .low = 0, .low_open = true},
          p.temperature);
  f.field({.key = "weight",
           .meaning = "weight of the teacher (the plain network of the same seed) in the loss",
           .unit = "fraction",
           .low = 0,
           .high = 1},
          p.weight);
}

MethodKind distillation_kind() {
  return method_kind("distillation", "learns from the plain network's softened outputs too", make);
}

}  // namespace ohmic::lab
