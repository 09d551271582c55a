#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <vector>

/// A list of discrete choices and the reward of each combination.
namespace ohmic::rl {

/// One option per decision: numbers 0 .. choices - 1.
using Action = std::vector<int>;

/// What an action turned out to be.
struct Outcome {
  double reward = 0;
  double accuracy = 0;     ///< a fraction; 0 where it was not measured
  double overhead = 0;     ///< a fraction of the network's weights
  double macs = 0;         ///< and of its multiply-accumulates
  bool evaluated = false;  ///< whether the accuracy was measured (false beyond the overhead limit)
};

struct Evaluation {
  Action action;
  Outcome outcome;
};

/// What a placement adds, as fractions of the network's weights and multiply-accumulates.
struct Added {
  double weights = 0, macs = 0;
};

/// The reward of a placement (docs/search.md): what is kept of the clean accuracy minus what the
/// placement costs; beyond a limit by how much it is exceeded, without a measurement.
struct RewardRule {
  double clean_accuracy = 1;  ///< above 0
  double overhead_limit = 0;  ///< of weights; above 0
  double macs_limit = std::numeric_limits<double>::infinity();
  double kappa = 0.05;  ///< penalty of an overhead as large as its limit

  /// The overhead that comes nearest to its limit, as a fraction of the limit.
  double spent(const Added& added) const;
  /// spent <= 1: accuracy / clean - kappa spent; beyond: -(spent - 1). `measure` is called within
  /// the limits only.
  Outcome judge(const Added& added, const std::function<double()>& measure) const;
};

/// A learning search takes worse rewards as this one: how far beyond the limit an action lies is
/// then no matter.
inline constexpr double kRewardFloor = -1;

/// What a search is given. `evaluate` is a function of the action: the same action, the same
/// outcome (common random numbers). It may throw to end the search.
struct Problem {
  std::vector<int> choices;  ///< number of options of each decision, 1 or more
  std::function<Outcome(const Action&)> evaluate;

  /// Number of distinct actions; the largest std::int64_t where it is larger.
  std::int64_t space_size() const;
};

/// A problem that evaluates an action once, and remembers all in the order in which they came:
/// every search counts its evaluations here. Borrows the problem.
class CachedProblem {
 public:
  /// LogicError where there is no decision, a decision has no option or nothing evaluates.
  explicit CachedProblem(const Problem& problem);
  explicit CachedProblem(Problem&&) = delete;  ///< the problem would not outlive its cache
  const Problem& problem() const { return problem_; }
  /// The outcome of `action`, from the cache where it is known. The reference stays valid.
  const Outcome& evaluate(const Action& action);
  bool is_known(const Action& action) const { return known_.contains(action); }
  /// Every distinct action with its outcome, in the order of evaluation.
  const std::vector<Evaluation>& history() const { return history_; }
  std::int64_t evaluations() const { return static_cast<std::int64_t>(history_.size()); }

 private:
  const Problem& problem_;
  std::map<Action, Outcome> known_;
  std::vector<Evaluation> history_;
};

}  // namespace ohmic::rl
