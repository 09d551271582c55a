#include "rl/policy_kinds.h"

#include <algorithm>

#include "base/elementary.h"
#include "base/error.h"

namespace ohmic::rl {

void FirstParameters::draw(double bound, std::size_t first, std::span<double> out) const {
  const std::uint64_t an_episode = address_elements(Purpose::policy);
  for (std::size_t done = 0; done < out.size();) {
    const std::uint64_t position = first + done;
    const std::uint64_t start = position % an_episode;
    const std::size_t count =
        std::min(out.size() - done, static_cast<std::size_t>(an_episode - start));
    stream_.uniforms(
        policy_address({.repeat = repeat_, .episode = kLastEpisode + position / an_episode}), start,
        out.subspan(done, count));
    done += count;
  }
  for (double& value : out) value = bound * (2 * value - 1);
}

OutputHead::OutputHead(ParameterLayout& layout, int options, int hidden)
    : weights(layout.add(static_cast<std::size_t>(options) * static_cast<std::size_t>(hidden))),
      biases(layout.add(static_cast<std::size_t>(options))) {}

void OutputHead::forward(const std::vector<double>& parameters, std::span<const double> hidden,
                         std::span<double> logits) const {
  const double* w = parameters.data() + weights;
  for (std::size_t k = 0; k < logits.size(); ++k, w += hidden.size()) {
    double sum = parameters[biases + k];
    for (std::size_t j = 0; j < hidden.size(); ++j) sum += w[j] * hidden[j];
    logits[k] = sum;
  }
}

void OutputHead::backward(const std::vector<double>& parameters, std::span<const double> hidden,
                          std::span<const double> d_logits, std::span<double> gradient,
                          std::span<double> d_hidden) const {
  const double* w = parameters.data() + weights;
  double* dw = gradient.data() + weights;
  for (std::size_t k = 0; k < d_logits.size(); ++k, w += hidden.size(), dw += hidden.size()) {
    gradient[biases + k] += d_logits[k];
    for (std::size_t j = 0; j < hidden.size(); ++j) {
      dw[j] += d_logits[k] * hidden[j];
      d_hidden[j] += w[j] * d_logits[k];
    }
  }
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
