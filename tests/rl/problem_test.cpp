#include "rl/problem.h"

#include <doctest/doctest.h>

#include <limits>

#include "base/error.h"
#include "messages.h"

using namespace ohmic;
using namespace ohmic::rl;

TEST_CASE("a reward is what is kept minus what it costs, and beyond the limit the excess") {
  const RewardRule rule{.clean_accuracy = 0.8, .overhead_limit = 0.5, .kappa = 0.1};
  int measured = 0;
  const auto measure = [&] {
    ++measured;
    return 0.6;
  };
  const Outcome within = rule.judge({.weights = 0.25}, measure);
  CHECK(within.reward == doctest::Approx(0.6 / 0.8 - 0.1 * 0.5).epsilon(1e-15));
  CHECK(within.accuracy == 0.6);
  CHECK(within.overhead == 0.25);
  CHECK(within.evaluated);
  CHECK(rule.judge({.weights = 0.5}, measure).evaluated);  // the limit itself is allowed
  CHECK(measured == 2);
  const Outcome beyond = rule.judge({.weights = 2}, measure);
  CHECK(beyond.reward == -3);
  CHECK(beyond.overhead == 2);
  CHECK_FALSE(beyond.evaluated);
  CHECK(measured == 2);
}

TEST_CASE("of two limits the nearer one counts") {
  const RewardRule rule{
      .clean_accuracy = 0.8, .overhead_limit = 0.5, .macs_limit = 0.1, .kappa = 0.1};
  CHECK(rule.spent({.weights = 0.25, .macs = 0.01}) == doctest::Approx(0.5));
  CHECK(rule.spent({.weights = 0.25, .macs = 0.09}) == doctest::Approx(0.9));
  const auto measure = [] { return 0.6; };
  const Outcome within = rule.judge({.weights = 0.25, .macs = 0.09}, measure);
  CHECK(within.evaluated);
  CHECK(within.macs == 0.09);
  CHECK(within.reward == doctest::Approx(0.75 - 0.1 * 0.9));
  const Outcome beyond = rule.judge({.weights = 0.25, .macs = 0.2}, measure);
  CHECK(!beyond.evaluated);
  CHECK(beyond.reward == doctest::Approx(-1));
}

TEST_CASE("a space has the product of its options, or too many to count") {
  CHECK(Problem{{5, 5, 5, 5}, {}}.space_size() == 625);
  CHECK(Problem{{1}, {}}.space_size() == 1);
  CHECK(Problem{std::vector<int>(62, 2), {}}.space_size() == std::int64_t{1} << 62);
  CHECK(Problem{std::vector<int>(63, 2), {}}.space_size() ==
        std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("an action is evaluated once, and remembered in its order") {
  int calls = 0;
  const Problem problem{{3, 2}, [&](const Action& action) {
                          ++calls;
                          return Outcome{.reward = action[0] + 0.5 * action[1]};
                        }};
  CachedProblem cached(problem);
  const Outcome& first = cached.evaluate({2, 1});
  CHECK(cached.evaluate({0, 1}).reward == 0.5);
  CHECK(cached.evaluate({2, 1}).reward == 2.5);
  CHECK(&cached.evaluate({2, 1}) == &first);
  CHECK(calls == 2);
  CHECK(cached.evaluations() == 2);
  CHECK(cached.is_known({0, 1}));
  CHECK_FALSE(cached.is_known({1, 1}));
  REQUIRE(cached.history().size() == 2);
  CHECK(cached.history()[0].action == Action{2, 1});
  CHECK(cached.history()[1].action == Action{0, 1});
}

TEST_CASE("an evaluation that fails is not remembered") {
  bool stop = true;
  const Problem problem{{2}, [&](const Action&) {
                          if (stop) throw Interrupted("asked to stop");
                          return Outcome{};
                        }};
  CachedProblem cached(problem);
  CHECK(testing::message_of<Interrupted>([&] { cached.evaluate({1}); }) == "asked to stop");
  CHECK(cached.evaluations() == 0);
  CHECK_FALSE(cached.is_known({1}));
  stop = false;
  cached.evaluate({1});
  CHECK(cached.evaluations() == 1);
}

TEST_CASE("a problem without decisions and an action outside of it are defects of ours") {
  const auto evaluate = [](const Action&) { return Outcome{}; };
  const auto message_for = [&](const Problem& problem) {
    return testing::message_of<LogicError>([&] { CachedProblem cached(problem); });
  };
  CHECK(message_for({{}, evaluate}).ends_with("a problem has a decision"));
  CHECK(message_for({{2, 0}, evaluate}).ends_with("a decision has an option"));
  CHECK(message_for({{2}, {}}).ends_with("a problem evaluates actions"));
  const Problem problem{{2}, evaluate};
  CachedProblem cached(problem);
  CHECK(testing::message_of<LogicError>([&] {
          cached.evaluate({2});
        }).ends_with("an action takes options that exist"));
  CHECK(testing::message_of<LogicError>([&] {
          cached.evaluate({0, 0});
        }).ends_with("an action makes every decision"));
}
