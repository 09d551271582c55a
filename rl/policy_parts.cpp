#include "rl/policy_parts.h"

#include <algorithm>

#include "base/elementary.h"
#include "base/error.h"

namespace ohmic::rl {

Vector FirstParameters::draw(double bound, Eigen::Index count) const {
  const auto per_episode = static_cast<Eigen::Index>(address_elements(Purpose::policy));
  Vector u(count);
  for (Eigen::Index done = 0; done < count; done += per_episode) {
    const auto now = static_cast<std::size_t>(std::min(per_episode, count - done));
    const auto episode = kLastEpisode + static_cast<std::uint64_t>(done / per_episode);
    stream_.uniforms(policy_address({.repeat = repeat_, .episode = episode}), 0,
                     {u.data() + done, now});
  }
  return bound * (2 * u.array() - 1);
}

OutputHead::OutputHead(ParameterLayout& layout, int options, int hidden)
    : weights(layout.add(options, hidden)), biases(layout.add(options)) {}

Vector OutputHead::forward(const Vector& parameters, const Vector& hidden) const {
  return weights.in(parameters)*hidden + biases.in(parameters);
}

Vector OutputHead::backward(const Vector& parameters, const Vector& hidden, const Vector& d_logits,
                            Vector& gradient) const {
  weights.in(gradient) += d_logits * hidden.transpose();
  biases.in(gradient) += d_logits;
  return weights.in(parameters).transpose() * d_logits;
}

// tanh x = 1 - 2 / (e^2x + 1): right at both ends, absolute error a few 1e-16.
double tanh_of(double x) { return 1 - 2 / (elementary::exp(2 * x) + 1); }
double sigmoid_of(double x) { return 1 / (1 + elementary::exp(-x)); }

std::unique_ptr<Policy> make_policy(PolicyKind kind, std::vector<int> choices, int hidden,
                                    const RandomStream& stream, std::uint64_t repeat) {
  const FirstParameters first(stream, repeat);
  switch (kind) {
    case PolicyKind::tabular:
      return make_tabular_policy(std::move(choices));
    case PolicyKind::mlp:
      return make_mlp_policy(std::move(choices), hidden, first);
    case PolicyKind::lstm:
      return make_lstm_policy(std::move(choices), hidden, first);
  }
  throw LogicError("unknown policy");
}

}  // namespace ohmic::rl
