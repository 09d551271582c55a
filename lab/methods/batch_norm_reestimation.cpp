#include "lab/methods/batch_norm_reestimation.h"

#include "base/statistics.h"
#include "lab/methods/chip_pass.h"

namespace ohmic::lab {
namespace {

struct BatchNormOptions {
  std::int64_t images = 512;
};
void fields(FieldVisitor& f, BatchNormOptions& p) { calibration_images_field(f, p.images); }

/// Calls body(l) for every batch-norm layer.
template <class Body>
void for_each_batch_norm(const nn::Network& network, Body body) {
  for (Index l = 0; l < network.layers(); ++l)
    if (network.structure(l).batch_norm) body(l);
}

Method make(const BatchNormOptions& o, const std::string&) {
  Method method{.corrects = true, .calibration_images = o.images};
  method.check = [](const MethodNeeds& needs) {
    bool any = false;
    for_each_batch_norm(needs.network, [&](Index) { any = needs.keeps_batch_norm; });
    if (!any)
      throw ConfigError(
          "re-estimates batch-norm, and the network has no digital batch-norm layer "
          "(network.fold_batch_norm = false keeps them)");
  };
  method.correct = [](const CorrectionAid& aid, Chip& chip) {
    reestimate_batch_norm(*aid.clean, aid.reader, chip);
  };
  method.recall = [](const Chip& corrected, Chip& chip) {
    for_each_batch_norm(chip.network, [&](Index l) {
      chip.parameters[static_cast<std::size_t>(l)] =
          corrected.parameters[static_cast<std::size_t>(l)];
    });
  };
  method.cost = [o](const HardwarePlan&, const Chip&, MethodCost& cost) {
    cost.calibration_images = std::max(cost.calibration_images, o.images);
  };
  return method;
}

}  // namespace

MethodKind batch_norm_kind() {
  return method_kind("bn_reestimation", "re-estimates batch-norm statistics on every chip", make);
}

void reestimate_batch_norm(const CleanActivations& clean, const ReadContext& reader, Chip& chip) {
  for (Index l = 0; l < chip.network.layers(); ++l) {
    if (!chip.network.structure(l).batch_norm) continue;
    const Index from = chip.network.inputs(l).front();
    const nn::Shape shape = chip.network.shape(l);
    const Index positions = shape.height * shape.width;
    std::vector<std::vector<Moments>> blocks(
        static_cast<std::size_t>(clean.blocks()),
        std::vector<Moments>(static_cast<std::size_t>(shape.channels)));
    for_each_pass(clean, reader, chip, [&](Index block, const nn::Workspace<float>& noisy) {
      const ConstView<float> x = noisy.output(from);
      for (Index f = 0; f < x.rows(); ++f)
        for (Index s = 0; s < clean.samples(block); ++s)
          blocks[static_cast<std::size_t>(block)][static_cast<std::size_t>(f / positions)].add(
              x(f, s));
    });
    auto& own = chip.parameters[static_cast<std::size_t>(l)];
    for (Index c = 0; c < shape.channels; ++c) {
      Moments all;
      for (const auto& block : blocks) all.merge(block[static_cast<std::size_t>(c)]);
      (*nn::find(own, "running_mean"))(0, c) = static_cast<float>(all.mean());
      (*nn::find(own, "running_variance"))(0, c) = static_cast<float>(all.variance());
    }
  }
}

}  // namespace ohmic::lab
