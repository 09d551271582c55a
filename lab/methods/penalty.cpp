#include "lab/methods/penalty.h"

#include "base/parallel.h"
#include "lab/methods/variation.h"

namespace ohmic::lab {
namespace {

constexpr int kWarmIterations = 2;  // of the power iteration per step: weights move little

Method make(const PenaltyOptions& o, const std::string&) {
  return {.train = [o](const nn::Network& network, const TrainingAid&, MethodTraining& training) {
    add_penalty(o, network, training.hooks);
  }};
}

}  // namespace

void fields(FieldVisitor& f, PenaltyOptions& p) {
  sigma_field(f, p.penalty.lambda ? "lambda is given" : "", p.sigma);
  fields(f, p.penalty);
}

MethodKind penalty_kind() {
  return method_kind("penalty", "bounds what layers amplify (CorrectNet's first half)", make);
}

double penalty_lambda(const PenaltyOptions& o, const nn::Network& network, Index k) {
  const double lambda = o.penalty.lambda.value_or(nn::lambda_of(o.sigma, o.penalty.k));
  const PatchView& patch = network.mac(k).patch;
  return o.penalty.bounds_operator ? lambda / nn::operator_factor(patch.kernel, patch.stride)
                                   : lambda;
}

void add_penalty(const PenaltyOptions& o, const nn::Network& network, nn::TrainingHooks& hooks) {
  const std::size_t layers = network.mac_layers().size();
  auto warm = std::make_shared<std::vector<std::vector<double>>>(layers);
  hooks.penalty_is_decoupled = o.penalty.is_decoupled;
  hooks.penalty = [o, &network, warm](const nn::ParameterSet<float>& parameters,
                                      nn::ParameterSet<float>& gradient) {
    std::vector<double> values(warm->size());
    for_each_block(static_cast<Index>(values.size()), [&](Index k) {
      const auto l = static_cast<std::size_t>(network.mac_layers()[static_cast<std::size_t>(k)]);
      const ConstView<float> w = parameters[l][0].value;
      const View<float> g = gradient[l][0].value;
      const double lambda = penalty_lambda(o, network, k), beta = o.penalty.beta;
      std::vector<double>& v = (*warm)[static_cast<std::size_t>(k)];
      v.resize(static_cast<std::size_t>(w.columns()));
      values[static_cast<std::size_t>(k)] =
          o.penalty.kind == nn::PenaltyKind::orthogonal
              ? nn::orthogonal_penalty<float>(w, lambda, beta, g)
          : o.penalty.kind == nn::PenaltyKind::top_hinge
              ? nn::top_hinge_penalty<float>(w, lambda, beta, v, kWarmIterations, g)
              : nn::spectral_hinge_penalty<float>(w, lambda, beta, g);
    });
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  };
}

}  // namespace ohmic::lab
