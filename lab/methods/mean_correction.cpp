#include "lab/methods/mean_correction.h"

namespace ohmic::lab {
namespace {

Method make(const NoOptions&, const std::string&) {
  return {.corrects = true, .correct = [](const CorrectionAid& aid, Chip& chip) {
            add_mean_correction(aid.plan, aid.options, chip);
          }};
}

}  // namespace

MethodKind mean_correction_kind() {
  return method_kind("mean_correction", "divides by the mean of what programming multiplies", make);
}

void add_mean_correction(const HardwarePlan& plan, const sim::ChipOptions& options, Chip& chip) {
  const auto programming = options.programming == sim::Programming::drawn
                               ? sim::Programming::at_mean
                               : options.programming;
  chip.deployment.after.resize(chip.deployment.macs.size());
  for (std::size_t k = 0; k < plan.layers.size(); ++k) {
    if (!plan.layers[k]) continue;
    const sim::LayerPlan& layer = *plan.layers[k];
    // The slope of mean against target weights over the layer's own weights.
    sim::VerifiedWeights verified{layer.verified_device, {}};
    if (layer.verified_device) verified.marks = layer.verified;
    const sim::Array mean = sim::program_array(layer.hardware.device, layer.rule, layer.mapped, {},
                                               programming, options.seconds, verified);
    double both = 0, square = 0;
    for (std::size_t t = 0; t < layer.tiling.rows.size(); ++t)
      for (Index o = 0; o < layer.mapped.rows(); ++o) {
        const double scale = layer.tiling.scale(static_cast<Index>(t), o);
        for (Index r = layer.tiling.rows[t].begin; r < layer.tiling.rows[t].end; ++r) {
          const bool pair = mean.polarities() == 2;
          const double wanted = scale * layer.mapped(o, r);
          const double found = scale * layer.rule.weight({mean.conductance(0)(o, r),
                                                          pair ? mean.conductance(1)(o, r) : 0.0});
          both += found * wanted;
          square += wanted * wanted;
        }
      }
    const double mu = square > 0 ? both / square : 1.0;
    const Index l = chip.network.mac_layers()[k];
    const nn::LayerStructure& structure = chip.network.structure(l);
    const auto n = static_cast<std::size_t>(structure.output.channels);
    std::vector<float> scale(n, static_cast<float>(1 / mu)), shift(n, 0.0f);
    const Matrix<float>* bias = nn::find(chip.parameters[static_cast<std::size_t>(l)], "bias");
    if (bias && !layer.bias_row)  // a digital bias is exact and stays as it is
      for (std::size_t o = 0; o < n; ++o)
        shift[o] = static_cast<float>((*bias)(0, static_cast<Index>(o)) * (1 - 1 / mu));
    chip.deployment.after[k] = std::make_shared<nn::DigitalCorrection>(
        structure.inputs[0], structure.output, std::move(scale), std::move(shift));
  }
}

}  // namespace ohmic::lab
