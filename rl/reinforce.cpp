#include "rl/reinforce.h"

#include <algorithm>
#include <cmath>

#include "rl/policy.h"

/// An update draws a few actions from the policy, turns their rewards into advantages A (reward
/// minus a moving average, both in the chosen scale) and goes one step up
///   mean over the actions of  A log pi(a) + entropy_weight H(pi along a).
/// Three things go beyond the textbook, because only distinct evaluations cost anything:
/// - an action that is known already is drawn again a few times (`redraws`); where all are known
///   the last one is learnt from, which costs nothing;
/// - a policy whose updates met nothing new (`restart_after` of them in a row) has come to rest: it
///   starts again from its first parameters and keeps what is known;
/// - rewards count by their rank among the known actions (as in evolution strategies: Wierstra et
///   al., JMLR 15 (2014) 949). The good placements of a network differ by thousandths, good and
///   refused ones by one: a running deviation that has seen both is blind to the former for long.
namespace ohmic::rl {

void fields(FieldVisitor& f, ReinforceParams& p) {
  f.field({.key = "policy", .meaning = "how a choice may depend on those before it"}, p.policy,
          {"tabular", "mlp", "lstm"});
  f.field({.key = "hidden", .meaning = "of mlp and lstm: width", .low = 1, .high = 1024}, p.hidden);
  f.field({.key = "step_size",
           .meaning = "of the gradient ascent; auto: what measured best for policy and scale",
           .low = 0,
           .low_open = true,
           .word = "auto"},
          p.step_size);
  f.field({.key = "episodes_per_update",
           .meaning = "actions whose gradients are averaged for one step",
           .low = 1,
           .high = 1024},
          p.episodes_per_update);
  f.field({.key = "baseline_decay",
           .meaning = "of the moving averages of reward and deviation, per episode",
           .low = 0,
           .high = 1,
           .high_open = true},
          p.baseline_decay);
  f.field({.key = "entropy", .meaning = "weight of the entropy bonus", .low = 0}, p.entropy);
  f.field({.key = "reward_scale",
           .meaning = "rewards by rank among known actions, by running deviation, or as they are"},
          p.reward_scale, {"rank", "deviation", "none"});
  f.field({.key = "redraws",
           .meaning = "how often an episode with a known action is drawn again",
           .low = 0,
           .high = 1e6},
          p.redraws);
  f.field({.key = "restart_after",
           .meaning = "updates in a row without a new action after which the policy starts again; "
                      "0: never",
           .low = 0,
           .high = 1e6},
          p.restart_after);
  f.field({.key = "evaluations", .meaning = "distinct actions to evaluate", .low = 1, .high = 1e9},
          p.evaluations);
  f.field({.key = "max_draws",
           .meaning = "actions drawn, known ones among them, before a search gives up",
           .low = 1,
           .high = 1e9},
          p.max_draws);
}

double measured_step_size(PolicyKind policy, RewardScale scale) {
  const bool by_rank = scale == RewardScale::rank;
  switch (policy) {
    case PolicyKind::tabular:
      return by_rank ? 4.8 : 2.4;
    case PolicyKind::mlp:
      return by_rank ? 1.6 : 0.4;
    case PolicyKind::lstm:
      return by_rank ? 3.2 : 0.8;
  }
  throw LogicError("unknown policy");
}

namespace {

struct Episode {
  Action action;
  double reward;  // not below kRewardFloor
};

/// Rewards to advantages; remembers the moving averages.
class Advantage {
 public:
  Advantage(RewardScale scale, double decay) : scale_(scale), decay_(decay) {}

  /// A = (R - baseline) / unit, one per episode; R in the chosen scale.
  Vector of(const std::vector<Episode>& episodes, const std::vector<Evaluation>& history) {
    Vector r(static_cast<Eigen::Index>(episodes.size()));
    std::transform(episodes.begin(), episodes.end(), r.begin(), [&](const Episode& e) {
      return scale_ == RewardScale::rank ? rank(e.reward, history) : e.reward;
    });
    if (is_first_) {  // the first episodes are their own baseline
      mean_ = r.mean();
      variance_ = (r.array() - mean_).square().mean();
      is_first_ = false;
    }
    const double baseline = mean_;
    const double unit = scale_ == RewardScale::deviation ? std::sqrt(variance_ + kLeast) : 1.0;
    for (const double value : r) {
      const double away = value - mean_;
      mean_ = decay_ * mean_ + (1 - decay_) * value;
      variance_ = decay_ * variance_ + (1 - decay_) * away * away;
    }
    return (r.array() - baseline) / unit;
  }

 private:
  static constexpr double kLeast = 1e-8;  // rewards of one size give no infinite advantages

  /// -1 (the worst) .. 1 (better than all); equals count half.
  static double rank(double reward, const std::vector<Evaluation>& history) {
    std::int64_t halves = 0;
    for (const Evaluation& known : history) {
      const double other = std::max(known.outcome.reward, kRewardFloor);
      halves += other < reward ? 2 : other == reward ? 1 : 0;
    }
    return static_cast<double>(halves) / static_cast<double>(history.size()) - 1;
  }

  RewardScale scale_;
  double decay_, mean_ = 0, variance_ = 0;
  bool is_first_ = true;
};

}  // namespace

SearchResult reinforce(const Problem& problem, const ReinforceParams& params,
                       const RandomStream& stream, std::uint64_t repeat) {
  CachedProblem cached(problem);
  const std::int64_t limit = evaluation_limit(problem, params.evaluations);
  const auto policy =
      make_policy(params.policy, problem.choices, static_cast<int>(params.hidden), stream, repeat);
  const double step_size =
      params.step_size.value_or(measured_step_size(params.policy, params.reward_scale));
  Advantage advantage(params.reward_scale, params.baseline_decay);
  std::vector<double> uniforms(problem.choices.size());
  const Vector first_parameters = policy->parameters();
  std::int64_t draws = 0, idle_updates = 0;
  const auto done = [&] { return cached.evaluations() == limit || draws == params.max_draws; };

  while (!done()) {
    std::vector<Episode> episodes;
    const std::int64_t known_before = cached.evaluations();
    while (!done() && static_cast<std::int64_t>(episodes.size()) < params.episodes_per_update) {
      Action action;
      for (std::int64_t again = 0; again <= params.redraws && draws < params.max_draws; ++again) {
        stream.uniforms(
            policy_address({.repeat = repeat, .episode = static_cast<std::uint64_t>(draws++)}), 0,
            uniforms);
        action = policy->sample(uniforms);
        if (!cached.is_known(action)) break;
      }
      const double reward = std::max(cached.evaluate(action).reward, kRewardFloor);
      episodes.push_back({std::move(action), reward});
    }
    if (done()) break;
    idle_updates = cached.evaluations() == known_before ? idle_updates + 1 : 0;
    if (params.restart_after > 0 && idle_updates == params.restart_after) {
      policy->parameters() = first_parameters;
      idle_updates = 0;
      continue;
    }

    const Vector advantages = advantage.of(episodes, cached.history());
    Vector gradient = Vector::Zero(policy->parameters().size());
    for (Eigen::Index e = 0; e < advantages.size(); ++e)
      gradient += policy->gradient(episodes[static_cast<std::size_t>(e)].action, advantages[e],
                                   params.entropy);
    policy->parameters() += step_size / static_cast<double>(episodes.size()) * gradient;
  }
  return result_of(cached, draws);
}

}  // namespace ohmic::rl
