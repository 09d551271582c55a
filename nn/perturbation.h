#pragma once

#include "base/weight_perturbation.h"

/// Plain variations of weights, for variation-aware training without a device model.
namespace ohmic::nn {

/// w~ = w e^theta, theta = sigma z. The derivative is e^theta.
class LogNormalPerturbation final : public WeightPerturbation {
 public:
  explicit LogNormalPerturbation(double sigma) : sigma_(sigma) {}
  void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
            ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const override;

 private:
  double sigma_;
};

/// w~ = w + sigma max|w| z, the largest weight of the layer being the scale (what g_max stands
/// for). The derivative is 1.
class GaussianPerturbation final : public WeightPerturbation {
 public:
  explicit GaussianPerturbation(double sigma) : sigma_(sigma) {}
  void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
            ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const override;

 private:
  double sigma_;
};

}  // namespace ohmic::nn
