#include "nn/optimiser.h"

#include <cmath>

#include "base/elementary.h"
#include "base/parallel.h"

namespace ohmic::nn {
namespace {

/// w -= rate v, v = momentum v + g + decay w.
void sgd_step(Index n, const float* g, float momentum, float decay, float rate, float* __restrict v,
              float* __restrict w) {
  for (Index i = 0; i < n; ++i) {
    v[i] = momentum * v[i] + (g[i] + decay * w[i]);
    w[i] -= rate * v[i];
  }
}

/// The same with the gradient taken where momentum leads (Nesterov 1983, in the form of Sutskever
/// et al., ICML 2013, and PyTorch): w -= rate (g + decay w + momentum v).
void nesterov_step(Index n, const float* g, float momentum, float decay, float rate,
                   float* __restrict v, float* __restrict w) {
  for (Index i = 0; i < n; ++i) {
    const float slope = g[i] + decay * w[i];
    v[i] = momentum * v[i] + slope;
    w[i] -= rate * (slope + momentum * v[i]);
  }
}

/// The numbers of one Adam step (Kingma, Ba, ICLR 2015), the bias corrections of both moments
/// folded in.
struct AdamStep {
  float beta1 = 0, beta2 = 0, epsilon = 0, rate = 0, root_correction = 0, decay = 0, shrink = 1;
};

void adam_step(Index n, const float* g, const AdamStep& s, float* __restrict m, float* __restrict v,
               float* __restrict w) {
  for (Index i = 0; i < n; ++i) {
    const float slope = g[i] + s.decay * w[i];
    m[i] = s.beta1 * m[i] + (1 - s.beta1) * slope;
    v[i] = s.beta2 * v[i] + (1 - s.beta2) * slope * slope;
    w[i] = s.shrink * w[i] - s.rate * m[i] / (std::sqrt(v[i]) * s.root_correction + s.epsilon);
  }
}

/// 1 - beta^t.
double complement(double beta, Index t) {
  return beta == 0 ? 1.0 : 1.0 - elementary::pow(beta, static_cast<double>(t));
}

}  // namespace

OptimiserState initial_state(const TrainingParams& params, const Network& network) {
  OptimiserState state;
  if (params.optimiser == OptimiserKind::sgd)
    state.moments.emplace_back("momentum", zero_parameters<float>(network));
  else
    for (const char* name : {"first_moment", "second_moment"})
      state.moments.emplace_back(name, zero_parameters<float>(network));
  return state;
}

void optimise(const TrainingParams& p, const Network& network, const ParameterSet<float>& gradient,
              double learning_rate, OptimiserState& state, ParameterSet<float>& parameters,
              const std::vector<bool>* is_frozen) {
  ++state.steps;
  AdamStep adam{};
  if (p.optimiser != OptimiserKind::sgd)
    adam = {.beta1 = static_cast<float>(p.beta1),
            .beta2 = static_cast<float>(p.beta2),
            .epsilon = static_cast<float>(p.epsilon),
            .rate = static_cast<float>(learning_rate / complement(p.beta1, state.steps)),
            .root_correction = static_cast<float>(1 / std::sqrt(complement(p.beta2, state.steps)))};
  const auto sgd = p.nesterov ? nesterov_step : sgd_step;
  for (std::size_t l = 0; l < parameters.size(); ++l)
    for (std::size_t i = 0; i < parameters[l].size(); ++i) {
      const ParameterSpec& spec = network.structure(static_cast<Index>(l)).parameters[i];
      if (!spec.is_trained) continue;
      if (is_frozen && (*is_frozen)[l]) continue;
      Matrix<float>& w = parameters[l][i].value;
      const float* g = gradient[l][i].value.data();
      const auto moment = [&](std::size_t k) { return state.moments[k].second[l][i].value.data(); };
      const double decay =
          p.weight_decay_on == DecayOn::all || spec.array_shape().size() > 1 ? p.weight_decay : 0;
      const bool is_decay_apart = p.optimiser == OptimiserKind::adamw;
      adam.decay = is_decay_apart ? 0.0f : static_cast<float>(decay);
      adam.shrink = is_decay_apart ? static_cast<float>(1 - learning_rate * decay) : 1.0f;
      for_each_part(w.size(), 1, [&](Index first, Index last) {
        const Index n = last - first;
        if (p.optimiser == OptimiserKind::sgd)
          sgd(n, g + first, static_cast<float>(p.momentum), static_cast<float>(decay),
              static_cast<float>(learning_rate), moment(0) + first, w.data() + first);
        else
          adam_step(n, g + first, adam, moment(0) + first, moment(1) + first, w.data() + first);
      });
    }
}

}  // namespace ohmic::nn
