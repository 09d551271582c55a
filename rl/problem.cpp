#include "rl/problem.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace ohmic::rl {

double RewardRule::spent(const Added& added) const {
  return std::max(added.weights / overhead_limit, added.macs / macs_limit);
}

Outcome RewardRule::judge(const Added& added, const std::function<double()>& measure) const {
  const double fraction = spent(added);
  Outcome outcome{.overhead = added.weights, .macs = added.macs};
  if (fraction > 1) {
    outcome.reward = -(fraction - 1);
    return outcome;
  }
  outcome.accuracy = measure();
  outcome.evaluated = true;
  outcome.reward = outcome.accuracy / clean_accuracy - kappa * fraction;
  return outcome;
}

std::int64_t Problem::space_size() const {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  std::int64_t size = 1;
  for (int options : choices) {
    if (size > kLargest / options) return kLargest;
    size *= options;
  }
  return size;
}

CachedProblem::CachedProblem(const Problem& problem) : problem_(problem) {
  ensure(!problem.choices.empty(), "a problem has a decision");
  for (int options : problem.choices) ensure(options >= 1, "a decision has an option");
  ensure(static_cast<bool>(problem.evaluate), "a problem evaluates actions");
}

const Outcome& CachedProblem::evaluate(const Action& action) {
  const auto found = known_.find(action);
  if (found != known_.end()) return found->second;
  ensure(action.size() == problem_.choices.size(), "an action makes every decision");
  for (std::size_t t = 0; t < action.size(); ++t)
    ensure(action[t] >= 0 && action[t] < problem_.choices[t], "an action takes options that exist");
  const auto added = known_.emplace(action, problem_.evaluate(action)).first;
  history_.push_back({action, added->second});
  return added->second;
}

}  // namespace ohmic::rl
