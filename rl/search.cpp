#include "rl/search.h"

#include <algorithm>
#include <optional>

#include "base/error.h"

namespace ohmic::rl {

std::int64_t evaluation_limit(const Problem& problem, std::int64_t evaluations) {
  ensure(evaluations >= 1, "a search evaluates something");
  return std::min(evaluations, problem.space_size());
}

SearchResult result_of(const CachedProblem& problem, std::int64_t visits) {
  const std::vector<Evaluation>& history = problem.history();
  ensure(!history.empty(), "a search has evaluated something");
  const auto best = std::max_element(
      history.begin(), history.end(),
      [](const Evaluation& a, const Evaluation& b) { return a.outcome.reward < b.outcome.reward; });
  return {*best, history, visits};
}

SearchResult random_search(const Problem& problem, std::int64_t evaluations,
                           const RandomStream& stream, std::uint64_t repeat) {
  CachedProblem cached(problem);
  const std::int64_t limit = evaluation_limit(problem, evaluations);
  std::vector<double> uniforms(problem.choices.size());
  // Known actions are drawn again: even the whole of a space of n takes about n log n draws.
  std::uint64_t visits = 0;
  while (cached.evaluations() < limit) {
    stream.uniforms(policy_address({.repeat = repeat, .episode = visits++}), 0, uniforms);
    Action action;
    for (std::size_t t = 0; t < uniforms.size(); ++t)
      action.push_back(static_cast<int>(uniforms[t] * problem.choices[t]));
    cached.evaluate(action);
  }
  return result_of(cached, static_cast<std::int64_t>(visits));
}

SearchResult greedy_search(const Problem& problem, std::int64_t evaluations) {
  CachedProblem cached(problem);
  const std::int64_t limit = evaluation_limit(problem, evaluations);
  Action here(problem.choices.size(), 0);
  double reward = cached.evaluate(here).reward;
  std::int64_t visits = 1;
  for (;;) {
    std::optional<Action> best;
    double best_reward = reward;
    for (std::size_t t = 0; t < here.size(); ++t)
      for (int option = 0; option < problem.choices[t]; ++option) {
        if (option == here[t]) continue;
        Action action = here;
        action[t] = option;
        if (cached.evaluations() == limit && !cached.is_known(action))
          return result_of(cached, visits);
        const double found = cached.evaluate(action).reward;
        ++visits;
        if (found > best_reward) {
          best_reward = found;
          best = action;
        }
      }
    if (!best) return result_of(cached, visits);
    here = *best;
    reward = best_reward;
  }
}

SearchResult exhaustive_search(const Problem& problem, std::int64_t evaluations) {
  CachedProblem cached(problem);
  const std::int64_t limit = evaluation_limit(problem, evaluations);
  Action action(problem.choices.size(), 0);
  while (cached.evaluations() < limit) {
    cached.evaluate(action);
    for (std::size_t t = action.size(); t-- > 0;) {
      if (++action[t] < problem.choices[t]) break;
      action[t] = 0;
    }
  }
  return result_of(cached, limit);
}

std::vector<Evaluation> pareto_front(const std::vector<Evaluation>& history,
                                     double Outcome::*overhead) {
  std::vector<Evaluation> measured;
  for (const Evaluation& e : history)
    if (e.outcome.evaluated) measured.push_back(e);
  std::stable_sort(measured.begin(), measured.end(), [=](const Evaluation& a, const Evaluation& b) {
    const double of_a = a.outcome.*overhead, of_b = b.outcome.*overhead;
    if (of_a != of_b) return of_a < of_b;
    return a.outcome.accuracy > b.outcome.accuracy;
  });
  std::vector<Evaluation> front;
  for (const Evaluation& e : measured)
    if (front.empty() || e.outcome.accuracy > front.back().outcome.accuracy) front.push_back(e);
  return front;
}

}  // namespace ohmic::rl
