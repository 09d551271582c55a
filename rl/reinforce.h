#pragma once

#include <cstdint>
#include <optional>

#include "base/random_stream.h"
#include "io/fields.h"
#include "rl/policy_kind.h"
#include "rl/search.h"

/// Search by policy gradient (Williams, "Simple statistical gradient-following algorithms for
/// connectionist reinforcement learning", Machine Learning 8 (1992) 229).
namespace ohmic::rl {

/// What a reward is compared in. rank: the fraction of known actions that it beats, from -1 to 1;
/// deviation: running deviations of the reward; none: as it is.
enum class RewardScale { rank, deviation, none };

/// The learner's part of `[search]`. Defaults were measured: docs/search.md.
struct ReinforceParams {
  PolicyKind policy = PolicyKind::tabular;
  std::int64_t hidden = 16;
  std::optional<double> step_size =
      std::nullopt;  ///< none: what measured best, measured_step_size()
  std::int64_t episodes_per_update = 4;
  double baseline_decay = 0.9;
  double entropy = 0.1;
  RewardScale reward_scale = RewardScale::rank;
  std::int64_t redraws = 30;
  std::int64_t restart_after = 3;
  std::int64_t evaluations = 60;
  std::int64_t max_draws = 5000;
};
void fields(FieldVisitor& f, ReinforceParams& params);

/// The step size of a policy where the config names none (docs/search.md); for `none` that of
/// `deviation`.
double measured_step_size(PolicyKind policy, RewardScale scale);

/// Ends after params.evaluations distinct evaluations, after all actions, or after params.max_draws
/// draws (fewer evaluations then: result.history.size()). Draws lie at the policy addresses of
/// `repeat`, one episode per draw.
SearchResult reinforce(const Problem& problem, const ReinforceParams& params,
                       const RandomStream& stream, std::uint64_t repeat);

}  // namespace ohmic::rl
