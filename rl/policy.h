#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/random_stream.h"
#include "rl/problem.h"

/// A distribution over actions that learns: decisions are drawn one after the other, each from a
/// softmax over its options. All arithmetic in double, sums in one order, elementary functions
/// ours.
namespace ohmic::rl {

/// tabular: independent logits a decision. mlp: the decisions so far -> tanh -> logits. lstm: one
/// step a decision (Zoph, Le: "Neural architecture search with reinforcement learning", ICLR 2017).
enum class PolicyKind { tabular, mlp, lstm };

class Policy {
 public:
  explicit Policy(std::vector<int> choices);
  virtual ~Policy() = default;
  const std::vector<int>& choices() const { return choices_; }
  /// All that is learnt, as one row of numbers.
  std::vector<double>& parameters() { return parameters_; }
  const std::vector<double>& parameters() const { return parameters_; }

  /// The action at these uniform numbers in (0, 1), one a decision.
  Action sample(std::span<const double> uniforms) const;
  /// log pi(action), the sum over its decisions.
  double log_probability(const Action& action) const;
  /// Entropy [nat] of each decision's distribution given the decisions of `action` before it,
  /// summed.
  double entropy(const Action& action) const;
  /// Adds to `gradient` (one number a parameter) the derivative of
  /// advantage * log_probability(action) + entropy_weight * entropy(action).
  void accumulate_gradient(const Action& action, double advantage, double entropy_weight,
                           std::span<double> gradient) const;

 protected:
  /// One number an option of each decision.
  using Rows = std::vector<std::vector<double>>;
  /// A walk through the decisions: what backward() needs of forward().
  struct Walk {
    Rows log_probabilities;  ///< of the decisions made so far
    Rows state;              ///< the policy's own, a row a decision
  };
  /// Writes the logits of decision t = walk.log_probabilities.size(), which follows
  /// action[0 .. t - 1]; appends its own row to walk.state.
  virtual void forward(const Action& action, Walk& walk, std::span<double> logits) const = 0;
  /// Adds the derivative by the parameters, given the derivative by every decision's logits.
  virtual void backward(const Action& action, const Walk& walk, const Rows& d_logits,
                        std::span<double> gradient) const = 0;

  std::vector<double> parameters_;

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
