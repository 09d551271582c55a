#pragma once

#include <cstdint>
#include <vector>

#include "base/random_stream.h"
#include "rl/problem.h"

/// Searches without learning, to hold a learnt one against. All count distinct evaluations, and end
/// when `evaluations` are made or every action is known.
namespace ohmic::rl {

struct SearchResult {
  Evaluation best;  ///< the highest reward; the first of equals
  std::vector<Evaluation> history;
  std::int64_t visits = 0;  ///< actions asked for, known ones among them
};

/// Actions in uniformly random order, none twice. Draws at the policy addresses of `repeat`.
SearchResult random_search(const Problem& problem, std::int64_t evaluations,
                           const RandomStream& stream, std::uint64_t repeat);
/// From option 0 of every decision: evaluates all actions that differ in one decision, goes to the
/// best, and ends where none is better. May end before `evaluations` are made.
SearchResult greedy_search(const Problem& problem, std::int64_t evaluations);
/// All actions, the last decision's options running fastest.
SearchResult exhaustive_search(const Problem& problem, std::int64_t evaluations);

/// How many distinct actions a search may evaluate: `evaluations`, or the whole space.
std::int64_t evaluation_limit(const Problem& problem, std::int64_t evaluations);
/// What a search has to show. `problem` has evaluated something.
SearchResult result_of(const CachedProblem& problem, std::int64_t visits);

/// The measured evaluations that no other one beats in both accuracy and overhead (of weights, or
/// Outcome::macs), by ascending overhead (and so by ascending accuracy); the first of equals.
std::vector<Evaluation> pareto_front(const std::vector<Evaluation>& history,
                                     double Outcome::*overhead = &Outcome::overhead);

}  // namespace ohmic::rl
