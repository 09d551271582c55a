#include "rl/policy.h"

#include "base/elementary.h"
#include "base/error.h"

namespace ohmic::rl {
namespace {

Vector exp_of(const Vector& x) { return x.unaryExpr(&elementary::exp); }

/// l - log sum exp l.
Vector log_softmax(const Vector& logits) {
  const double top = logits.maxCoeff();
  const double sum = exp_of(logits.array() - top).sum();
  return logits.array() - (top + elementary::log(sum));
}

/// H = -sum p log p.
double entropy_of(const Vector& log_p) { return -exp_of(log_p).dot(log_p); }

}  // namespace

Policy::Policy(std::vector<int> choices) : choices_(std::move(choices)) {}

void Policy::step(const Action& action, Walk& walk) const {
  walk.log_probabilities.push_back(log_softmax(forward(action, walk)));
}

Policy::Walk Policy::walk_through(const Action& action) const {
  ensure(action.size() == choices_.size(), "an action makes every decision");
  Walk walk;
  while (walk.log_probabilities.size() < choices_.size()) step(action, walk);
  return walk;
}

Action Policy::sample(std::span<const double> uniforms) const {
  ensure(uniforms.size() >= choices_.size(), "a uniform number per decision");
  Walk walk;
  Action action;
  for (std::size_t t = 0; t < choices_.size(); ++t) {
    step(action, walk);
    const Vector p = exp_of(walk.log_probabilities[t]);
    double rest = uniforms[t];
    int option = 0;
    while (option + 1 < choices_[t]) {
      rest -= p[option];
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
  for (std::size_t t = 0; t < action.size(); ++t) sum += walk.log_probabilities[t][action[t]];
  return sum;
}

double Policy::entropy(const Action& action) const {
  double sum = 0;
  for (const Vector& log_p : walk_through(action).log_probabilities) sum += entropy_of(log_p);
  return sum;
}

Vector Policy::gradient(const Action& action, double advantage, double entropy_weight) const {
  const Walk walk = walk_through(action);
  std::vector<Vector> d_logits;
  for (std::size_t t = 0; t < action.size(); ++t) {
    const Vector& log_p = walk.log_probabilities[t];
    const Vector p = exp_of(log_p), chosen = Vector::Unit(p.size(), action[t]);
    // By the logits, d log p_a = e_a - p and dH = -p (log p + H).
    const Vector d_entropy = -p.array() * (log_p.array() + entropy_of(log_p));
    d_logits.push_back(advantage * (chosen - p) + entropy_weight * d_entropy);
  }
  return backward(action, walk, d_logits);
}

}  // namespace ohmic::rl
