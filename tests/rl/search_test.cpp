#include "rl/search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/parallel.h"
#include "golden_table.h"
#include "messages.h"

using namespace ohmic;
using namespace ohmic::rl;
using testing::GoldenProblem;
using testing::kGoldenEvaluations;

namespace {

/// A sum of one term a decision: the best option of decision t is (t + 2) modulo its options.
Problem separable() {
  return {{4, 3, 5, 2}, [](const Action& action) {
            const int best[] = {2, 0, 4, 1};
            double reward = 0;
            for (std::size_t t = 0; t < action.size(); ++t)
              reward -= std::fabs(action[t] - best[t]) * (1 + static_cast<double>(t));
            return Outcome{.reward = reward, .evaluated = true};
          }};
}

const Action kBestOfSeparable{2, 0, 4, 1};

}  // namespace

TEST_CASE("exhaustive search evaluates every action once, and so finds the optimum") {
  const SearchResult result = exhaustive_search(separable(), 1000);
  CHECK(result.history.size() == 120);
  CHECK(result.best.action == kBestOfSeparable);
  CHECK(result.history[0].action == Action{0, 0, 0, 0});
  CHECK(result.history[1].action == Action{0, 0, 0, 1});
  CHECK(result.history[119].action == Action{3, 2, 4, 1});
  CHECK(exhaustive_search(separable(), 7).history.size() == 7);
}

TEST_CASE("greedy ascent finds the optimum of a separable problem") {
  const SearchResult result = greedy_search(separable(), 1000);
  CHECK(result.best.action == kBestOfSeparable);
  CHECK(result.history.size() < 120);
}

TEST_CASE("greedy ascent on the golden table asks 65 times, 51 of them for a new action") {
  // The table's README counts what is asked for: 1 + 4 rounds x 16 neighbours.
  const GoldenProblem golden;
  const SearchResult result = greedy_search(golden.problem, 625);
  CHECK(result.best.action == Action{4, 4, 1, 0});
  CHECK(result.visits == 65);
  CHECK(result.history.size() == 51);
  const SearchResult stopped = greedy_search(golden.problem, 20);
  CHECK(stopped.history.size() == 20);
  CHECK(stopped.best.outcome.reward < golden.optimum);
}

TEST_CASE("random search never repeats, and depends on seed and repeat") {
  const auto actions = [](std::uint64_t seed, std::uint64_t repeat) {
    std::vector<Action> list;
    for (const Evaluation& e : random_search(separable(), 1000, RandomStream(seed), repeat).history)
      list.push_back(e.action);
    return list;
  };
  const std::vector<Action> list = actions(1, 0);
  CHECK(list.size() == 120);  // the whole space: a budget beyond it is no endless loop
  CHECK(std::set<Action>(list.begin(), list.end()).size() == 120);
  CHECK(list == actions(1, 0));
  CHECK(list != actions(2, 0));
  CHECK(list != actions(1, 1));
}

TEST_CASE("random search meets the golden table's good placements as often as counting says") {
  const GoldenProblem golden;
  double none = 1;  // C(618, 60) / C(625, 60)
  for (int i = 0; i < 60; ++i) none *= (618.0 - i) / (625.0 - i);
  CHECK(1 - none == doctest::Approx(0.508).epsilon(5e-4 / 0.508));
  constexpr Index kRepeats = 2000;
  std::vector<int> met(kRepeats, 0);
  for_each_block(kRepeats, [&](Index repeat) {
    met[static_cast<std::size_t>(repeat)] = golden.is_met(random_search(
        golden.problem, kGoldenEvaluations, RandomStream(1), static_cast<std::uint64_t>(repeat)));
  });
  CHECK(testing::agrees(std::count(met.begin(), met.end(), 1), kRepeats, 1 - none));
}

TEST_CASE("of equal rewards the first counts as the best") {
  const Problem flat{{3}, [](const Action&) { return Outcome{.reward = 1}; }};
  CHECK(exhaustive_search(flat, 3).best.action == Action{0});
  CHECK(greedy_search(flat, 3).history.size() == 3);
}

TEST_CASE("the Pareto front holds what nothing beats in both accuracy and overhead") {
  const auto measured = [](int number, double accuracy, double overhead) {
    return Evaluation{{number}, {.accuracy = accuracy, .overhead = overhead, .evaluated = true}};
  };
  const std::vector<Evaluation> history{measured(0, 0.80, 0.3),   measured(1, 0.70, 0.1),
                                        measured(2, 0.75, 0.3),   measured(3, 0.70, 0.2),
                                        measured(4, 0.85, 0.5),   measured(5, 0.80, 0.3),
                                        {{6}, {.overhead = 0.9}}, measured(7, 0.72, 0.1)};
  std::vector<int> numbers;
  for (const Evaluation& e : pareto_front(history)) numbers.push_back(e.action[0]);
  CHECK(numbers == std::vector<int>{7, 0, 4});
  CHECK(pareto_front({}).empty());
  std::vector<Evaluation> by_macs = history;  // the dearest in weights is the cheapest in these
  for (Evaluation& e : by_macs) e.outcome.macs = 1 - e.outcome.overhead;
  numbers.clear();
  for (const Evaluation& e : pareto_front(by_macs, &Outcome::macs)) numbers.push_back(e.action[0]);
  CHECK(numbers == std::vector<int>{4});
}

TEST_CASE("a search without evaluations is a defect of ours") {
  CHECK(testing::message_of<LogicError>([] {
          exhaustive_search(separable(), 0);
        }).ends_with("a search evaluates something"));
}
