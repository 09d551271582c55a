#pragma once

#include "base/weight_perturbation.h"
#include "lab/experiment/experiment.h"

namespace ohmic::lab {

/// Weights as the cells of a chip will hold them where they are deployed: each layer on its own
/// hardware ([[override]] included), cut into its tiles, scaled, programmed (both devices of a
/// pair, levels, bounds), broken where [faults] says so, left to drift until time.at_s and read
/// back. Every micro-batch meets a chip of its own. Converters and read noise are left out, a bias
/// is exact (what a row of cells would hold depends on the DAC), and batch-norm is not folded yet:
/// with network.fold_batch_norm the deployed weights have other full scales. The derivative is w~ /
/// w where the model multiplies the weight, else 1: straight through levels and clips; 0 where a
/// broken cell holds the weight.
class DevicePerturbation final : public WeightPerturbation {
 public:
  /// `network` names the layers. FileError for a fault map that cannot be read.
  DevicePerturbation(const Experiment& experiment, const nn::Network& network);
  void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
            ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const override;

 private:
  struct Layer {
    std::string name;
    std::optional<sim::LayerHardware> hardware;  ///< none: digital, unperturbed
    std::optional<devices::LayerFaults> fault_map;
    bool has_bias_row = false;
  };
  std::vector<Layer> layers_;
  double seconds_;
};

}  // namespace ohmic::lab
