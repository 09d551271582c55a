#include "rl/policy.h"

#include <algorithm>

#include "base/elementary.h"
#include "base/error.h"

namespace ohmic::rl {
namespace {

/// Logits to log probabilities, in place.
void log_softmax(std::vector<double>& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double logit : logits) sum += elementary::exp(logit - top);
  const double shift = top + elementary::log(sum);
  for (double& logit : logits) logit -= shift;
}

double entropy_of(const std::vector<double>& log_probabilities) {
  double entropy = 0;
  for (double log_p : log_probabilities) entropy -= elementary::exp(log_p) * log_p;
  return entropy;
}

}  // namespace

Policy::Policy(std::vector<int> choices) : choices_(std::move(choices)) {}

void Policy::step(const Action& action, Walk& walk) const {
  const std::size_t t = walk.log_probabilities.size();
  std::vector<double> row(static_cast<std::size_t>(choices_[t]));
  forward(action, walk, row);
  log_softmax(row);
  walk.log_probabilities.push_back(std::move(row));
}

Policy::Walk Policy::walk_through(const Action& action) const {
  ensure(action.size() == choices_.size(), "an action makes every decision");
  Walk walk;
  while (walk.log_probabilities.size() < choices_.size()) step(action, walk);
  return walk;
}

Action Policy::sample(std::span<const double> uniforms) const {
  ensure(uniforms.size() >= choices_.size(), "a uniform number a decision");
  Walk walk;
  Action action;
  for (std::size_t t = 0; t < choices_.size(); ++t) {
    step(action, walk);
    double rest = uniforms[t];
    int option = 0;
    while (option + 1 < choices_[t]) {
      rest -= elementary::exp(walk.log_probabilities[t][static_cast<std::size_t>(option)]);
      if (rest < 0) break;
      ++option;
    }
    action.push_back(option);
  }
  return action;
}

double Policy::log_probability(const Action& action) const {
  const Walk walk = walk_through(action);
  double sum = 0;
  for (std::size_t t = 0; t < action.size(); ++t)
    sum += walk.log_probabilities[t][static_cast<std::size_t>(action[t])];
  return sum;
}

double Policy::entropy(const Action& action) const {
  double sum = 0;
  for (const auto& row : walk_through(action).log_probabilities) sum += entropy_of(row);
  return sum;
}

void Policy::accumulate_gradient(const Action& action, double advantage, double entropy_weight,
                                 std::span<double> gradient) const {
  ensure(gradient.size() == parameters_.size(), "a gradient has a number a parameter");
  const Walk walk = walk_through(action);
  Rows d_logits = walk.log_probabilities;
  for (std::size_t t = 0; t < d_logits.size(); ++t) {
    const double entropy = entropy_of(walk.log_probabilities[t]);
    // d log p_a / d l_k = [k = a] - p_k;  dH / d l_k = -p_k (log p_k + H)
    for (double& d : d_logits[t]) {
      const double log_p = d, p = elementary::exp(log_p);
      d = -advantage * p - entropy_weight * p * (log_p + entropy);
    }
    d_logits[t][static_cast<std::size_t>(action[t])] += advantage;
  }
  backward(action, walk, d_logits, gradient);
}

}  // namespace ohmic::rl
