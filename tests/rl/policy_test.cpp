#include "rl/policy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "messages.h"

using namespace ohmic;
using namespace ohmic::rl;

namespace {

const std::vector<int> kChoices{3, 1, 4, 2};
constexpr PolicyKind kKinds[] = {PolicyKind::tabular, PolicyKind::mlp, PolicyKind::lstm};

/// A policy that is not uniform: every parameter drawn at its own number.
std::unique_ptr<Policy> some_policy(PolicyKind kind) {
  const RandomStream stream(7);
  auto policy = make_policy(kind, kChoices, 5, stream, 3);
  Vector& parameters = policy->parameters();
  stream.uniforms(policy_address({.repeat = 9}), 0,
                  {parameters.data(), static_cast<std::size_t>(parameters.size())});
  parameters = 2 * parameters.array() - 1;
  return policy;
}

std::vector<Action> all_actions() {
  std::vector<Action> actions;
  for (int a = 0; a < 3; ++a)
    for (int c = 0; c < 4; ++c)
      for (int d = 0; d < 2; ++d) actions.push_back({a, 0, c, d});
  return actions;
}

}  // namespace

TEST_CASE("every policy's gradient is that of its finite differences") {
  for (PolicyKind kind : kKinds) {
    CAPTURE(static_cast<int>(kind));
    const auto policy = some_policy(kind);
    constexpr double kAdvantage = 0.7, kEntropyWeight = 0.3;
    for (const Action& action : {Action{0, 0, 0, 0}, Action{2, 0, 3, 1}, Action{1, 0, 2, 0}}) {
      Vector& parameters = policy->parameters();
      const Vector gradient = policy->gradient(action, kAdvantage, kEntropyWeight);
      REQUIRE(gradient.size() == parameters.size());
      const auto value_at = [&](Eigen::Index i, double parameter) {
        const double kept = parameters[i];
        parameters[i] = parameter;
        const double value =
            kAdvantage * policy->log_probability(action) + kEntropyWeight * policy->entropy(action);
        parameters[i] = kept;
        return value;
      };
      double largest = 0, worst = 0;
      for (Eigen::Index i = 0; i < parameters.size(); ++i) {
        // Fourth order: the step's own error is about 1e-12, rounding 1e-16 / 1e-3.
        constexpr double kStep = 1e-3;
        const double p = parameters[i];
        const double difference = (8 * (value_at(i, p + kStep) - value_at(i, p - kStep)) -
                                   (value_at(i, p + 2 * kStep) - value_at(i, p - 2 * kStep))) /
                                  (12 * kStep);
        largest = std::max(largest, std::fabs(difference));
        worst = std::max(worst, std::fabs(gradient[i] - difference));
      }
      CHECK(largest > 0.1);
      CHECK(worst < 1e-9 * largest);  // asked: 1e-6
    }
  }
}

TEST_CASE("twice the advantage is twice the gradient") {
  for (PolicyKind kind : kKinds) {
    const auto policy = some_policy(kind);
    const Action action{1, 0, 3, 1};
    const Vector half = policy->gradient(action, 0.5, 0), whole = policy->gradient(action, 1, 0);
    CHECK(whole.norm() > 0);
    CHECK((2 * half - whole).norm() <= 1e-14 * whole.norm());
  }
}

TEST_CASE("every policy starts uniform, and its probabilities sum to one ever after") {
  for (PolicyKind kind : kKinds) {
    const auto first = make_policy(kind, kChoices, 16, RandomStream(1), 0);
    const auto later = some_policy(kind);
    double sum = 0;
    for (const Action& action : all_actions()) {
      CHECK(first->log_probability(action) == doctest::Approx(-std::log(24.0)).epsilon(1e-14));
      CHECK(first->entropy(action) == doctest::Approx(std::log(24.0)).epsilon(1e-14));
      sum += std::exp(later->log_probability(action));
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-14));
  }
}

TEST_CASE("samples come as often as their probabilities say") {
  constexpr int kSamples = 20000;
  const RandomStream stream(5);
  const std::vector<Action> actions = all_actions();
  for (PolicyKind kind : kKinds) {
    CAPTURE(static_cast<int>(kind));
    const auto policy = some_policy(kind);
    std::vector<int> counts(actions.size(), 0);
    std::vector<double> uniforms(kChoices.size());
    for (std::uint64_t episode = 0; episode < kSamples; ++episode) {
      stream.uniforms(policy_address({.episode = episode}), 0, uniforms);
      const auto found = std::find(actions.begin(), actions.end(), policy->sample(uniforms));
      REQUIRE(found != actions.end());
      ++counts[static_cast<std::size_t>(found - actions.begin())];
    }
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const double p = std::exp(policy->log_probability(actions[i]));
      REQUIRE(kSamples * p > 10);  // enough to tell
      CHECK(std::fabs(counts[i] - kSamples * p) < 5 * std::sqrt(kSamples * p * (1 - p)));
    }
  }
}

TEST_CASE("mlp and lstm can make a choice depend on those before it, tabular cannot") {
  const auto dependence = [](const Policy& policy) {
    // log odds of the last decision after two different firsts
    const auto odds = [&](int first) {
      return policy.log_probability({first, 0, 0, 1}) - policy.log_probability({first, 0, 0, 0});
    };
    return std::fabs(odds(0) - odds(2));
  };
  CHECK(dependence(*some_policy(PolicyKind::tabular)) < 1e-14);
  CHECK(dependence(*some_policy(PolicyKind::mlp)) > 1e-2);
  CHECK(dependence(*some_policy(PolicyKind::lstm)) > 1e-2);
}

TEST_CASE("first parameters belong to seed and repeat, and to no episode of a search") {
  const auto parameters = [](std::uint64_t seed, std::uint64_t repeat) {
    return make_policy(PolicyKind::lstm, kChoices, 40, RandomStream(seed), repeat)->parameters();
  };
  const Vector some = parameters(1, 0);
  CHECK(some.size() > static_cast<Eigen::Index>(
                          address_elements(Purpose::policy)));  // more than one episode's numbers
  CHECK(some == parameters(1, 0));
  CHECK(some != parameters(2, 0));
  CHECK(some != parameters(1, 1));
  // All that is drawn differs: no number is used twice.
  std::vector<double> drawn(some.begin(), some.begin() + 4 * (4 * 40 + 40 * 40));
  std::sort(drawn.begin(), drawn.end());
  CHECK(std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
  CHECK(drawn.front() >= -1 / std::sqrt(40.0));
  CHECK(drawn.back() <= 1 / std::sqrt(40.0));
}

TEST_CASE("an action of another length is a defect of ours") {
  const auto policy = some_policy(PolicyKind::tabular);
  CHECK(testing::message_of<LogicError>([&] {
          policy->log_probability({0, 0});
        }).ends_with("an action makes every decision"));
}
