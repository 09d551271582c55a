#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random_stream.h"
#include "rl/policy_kind.h"
#include "rl/problem.h"

/// A distribution over actions that learns: decisions are drawn one after the other, each from a
/// softmax over its options. All arithmetic in double, elementary functions ours.
namespace ohmic::rl {

using Vector = Eigen::VectorXd;

class Policy {
 public:
  explicit Policy(std::vector<int> choices);
  virtual ~Policy() = default;
  const std::vector<int>& choices() const { return choices_; }
  /// All that is learnt, theta.
  Vector& parameters() { return parameters_; }
  const Vector& parameters() const { return parameters_; }

  /// The action at these uniform numbers in (0, 1), one per decision.
  Action sample(std::span<const double> uniforms) const;
  /// log pi(action), the sum over its decisions.
  double log_probability(const Action& action) const;
  /// Entropy [nat] of each decision's distribution given the decisions of `action` before it,
  /// summed.
  double entropy(const Action& action) const;
  /// The derivative by the parameters of
  /// advantage * log_probability(action) + entropy_weight * entropy(action).
  Vector gradient(const Action& action, double advantage, double entropy_weight) const;

 protected:
  /// A walk through the decisions: what backward() needs of forward().
  struct Walk {
    std::vector<Vector> log_probabilities;  ///< of the decisions made so far, one per option
    std::vector<Eigen::MatrixXd> state;     ///< the policy's own, one per decision
  };
  /// The logits of decision t = walk.log_probabilities.size(), which follows action[0 .. t - 1];
  /// appends its own state to the walk.
  virtual Vector forward(const Action& action, Walk& walk) const = 0;
  /// The derivative by the parameters, given the derivative by every decision's logits.
  virtual Vector backward(const Action& action, const Walk& walk,
                          const std::vector<Vector>& d_logits) const = 0;

  Vector parameters_;

 private:
  void step(const Action& action, Walk& walk) const;
  Walk walk_through(const Action& action) const;
  std::vector<int> choices_;
};

/// A policy whose first distribution is uniform. `hidden` is the width of mlp and lstm. What is
/// drawn of the first parameters lies at the policy addresses of `repeat`, at episodes that no
/// search reaches (kLastEpisode).
std::unique_ptr<Policy> make_policy(PolicyKind kind, std::vector<int> choices, int hidden,
                                    const RandomStream& stream, std::uint64_t repeat);

/// Episodes of a search: 0 .. kLastEpisode - 1; those above hold first parameters.
inline constexpr std::uint64_t kLastEpisode = 0x80000000u;

}  // namespace ohmic::rl
