#pragma once

#include <cmath>
#include <filesystem>

#include "rl/action_table.h"
#include "rl/search.h"

/// The measured placements of tests/golden/search and their README's rule.
namespace ohmic::testing {

inline const std::filesystem::path kGoldenFile =
    std::filesystem::path(OHMIC_GOLDEN) / "search/lenet5_fashion_5x5x5x5.csv";
inline constexpr rl::RewardRule kGoldenRule{
    .clean_accuracy = 0.8995, .overhead_limit = 0.6, .kappa = 0.05};
inline constexpr double kGoldenWeights = 61706;
inline constexpr std::int64_t kGoldenEvaluations = 60;

struct GoldenProblem {
  rl::ActionTable table = rl::read_action_table(kGoldenFile);
  rl::Problem problem = rl::table_problem(table, kGoldenRule, kGoldenWeights);
  double optimum = rl::exhaustive_search(problem, problem.space_size()).best.outcome.reward;

  GoldenProblem() = default;
  GoldenProblem(const GoldenProblem&) = delete;  // the problem borrows the table
  bool is_met(const rl::SearchResult& result) const {
    return result.best.outcome.reward >= optimum - 0.002;
  }
};

/// Whether `hits` of `trials` lies within 5 sigma of probability `p`.
inline bool agrees(std::int64_t hits, std::int64_t trials, double p) {
  const auto n = static_cast<double>(trials);
  return std::fabs(static_cast<double>(hits) - n * p) < 5 * std::sqrt(n * p * (1 - p));
}

}  // namespace ohmic::testing
