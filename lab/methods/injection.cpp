#include "lab/methods/injection.h"

#include <fmt/format.h>

#include "lab/methods/variation.h"
#include "nn/perturbation.h"

namespace ohmic::lab {
namespace {

/// Log-normal variation whose sigma is itself drawn from [low, high] for every micro-batch.
class RangedPerturbation final : public WeightPerturbation {
 public:
  RangedPerturbation(double low, double high) : low_(low), high_(high) {}
  void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
            ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const override {
    // One uniform per micro-batch, at a part of its own.
    TrainingDraw at = draw;
    at.part = Purpose::pulse;
    at.layer = at.row = 0;
    double u = 0;
    stream.uniforms(training_address(purpose, at), 0, {&u, 1});
    nn::LogNormalPerturbation(low_ + (high_ - low_) * u)
        .draw(stream, purpose, draw, w, w_tilde, dw_tilde_dw);
  }

 private:
  double low_, high_;
};

std::shared_ptr<const WeightPerturbation> variation(const InjectionOptions& o,
                                                    const nn::Network& network,
                                                    const TrainingAid& aid) {
  if (o.from_device) return aid.cell_variation(network);
  if (o.sigma_low >= 0) return std::make_shared<RangedPerturbation>(o.sigma_low, o.sigma);
  return std::make_shared<nn::LogNormalPerturbation>(o.sigma);
}

Method make(const InjectionOptions& o, const std::string& path) {
  Method method{.trains_for_cells = o.from_device};
  method.check = [o, path](const MethodNeeds&) {
    const std::string key = path + ".sigma_low";
    if (o.sigma_low > o.sigma)
      throw ConfigError({.message = fmt::format("{} = {} is above {}.sigma = {}", key,
                                                shortest(o.sigma_low), path, shortest(o.sigma)),
                         .key = key});
  };
  method.train = [o](const nn::Network& network, const TrainingAid& aid, MethodTraining& training) {
    training.hooks.rules.perturbation = &training.keep(variation(o, network, aid));
  };
  return method;
}

}  // namespace

void fields(FieldVisitor& f, InjectionOptions& p) {
  const std::string_view idle = idle_with_device(p.from_device);
  sigma_field(f, idle, p.sigma);
  f.field(
      {.key = "sigma_low",
       .meaning = "0 or more: every micro-batch draws its sigma between this and sigma; -1: sigma",
       .unit = "natural log",
       .low = -1,
       .high = kMostSigma,
       .idle = idle},
      p.sigma_low);
  variation_field(f, p.from_device);
}

MethodKind injection_kind() {
  return method_kind("injection", "trains through weights with fresh variation", make);
}

}  // namespace ohmic::lab
