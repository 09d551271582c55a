#pragma once

#include "base/weight_perturbation.h"
#include "sim/array.h"

namespace ohmic::lab {

/// Weights as a chip of any device model would hold them: mapped, programmed (both devices of a
/// pair, levels, bounds) and read back. The derivative is w~ / w where the model multiplies the
/// weight, else 1: straight through levels and clips.
class DevicePerturbation final : public WeightPerturbation {
 public:
  DevicePerturbation(std::shared_ptr<const devices::DeviceModel> device, sim::Mapping mapping,
                     double seconds = 0);
  void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
            ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const override;

 private:
  std::shared_ptr<const devices::DeviceModel> device_;
  sim::MappingRule rule_;
  double seconds_;
};

/// Log-normal variation whose sigma is itself drawn from [low, high] for every sub-batch.
class RangedPerturbation final : public WeightPerturbation {
 public:
  RangedPerturbation(double low, double high) : low_(low), high_(high) {}
  void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
            ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const override;

 private:
  double low_, high_;
};

}  // namespace ohmic::lab
