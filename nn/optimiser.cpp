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

/// The numbers of one Adam step (Kingma, Ba, ICLR 2015), the bias corrections of both moments
/// folded in.
struct AdamStep {
  float beta1, beta2, epsilon, rate, root_correction, decay, shrink;
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
  const bool is_decay_apart = p.optimiser == OptimiserKind::adamw;
  AdamStep adam{};
  if (p.optimiser != OptimiserKind::sgd)
    adam = {static_cast<float>(p.beta1),
            static_cast<float>(p.beta2),
            static_cast<float>(p.epsilon),
            static_cast<float>(learning_rate / complement(p.beta1, state.steps)),
            static_cast<float>(1 / std::sqrt(complement(p.beta2, state.steps))),
            is_decay_apart ? 0.0f : static_cast<float>(p.weight_decay),
            is_decay_apart ? static_cast<float>(1 - learning_rate * p.weight_decay) : 1.0f};
  for (std::size_t l = 0; l < parameters.size(); ++l)
    for (std::size_t i = 0; i < parameters[l].size(); ++i) {
      if (!network.structure(static_cast<Index>(l)).parameters[i].is_trained) continue;
      if (is_frozen && (*is_frozen)[l]) continue;
      Matrix<float>& w = parameters[l][i].value;
      const float* g = gradient[l][i].value.data();
      const auto moment = [&](std::size_t k) { return state.moments[k].second[l][i].value.data(); };
      for_each_part(w.size(), 1, [&](Index first, Index last) {
        const Index n = last - first;
        if (p.optimiser == OptimiserKind::sgd)
          sgd_step(n, g + first, static_cast<float>(p.momentum), static_cast<float>(p.weight_decay),
                   static_cast<float>(learning_rate), moment(0) + first, w.data() + first);
        else
          adam_step(n, g + first, adam, moment(0) + first, moment(1) + first, w.data() + first);
      });
    }
}

}  // namespace ohmic::nn
