#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rl/problem.h"

/// A search problem whose every action was measured beforehand.
namespace ohmic::rl {

struct ActionTable {
  struct Row {
    double compensator_weights = 0;
    double accuracy = 0;   ///< a fraction
    double deviation = 0;  ///< of the accuracy over chips, a fraction
  };
  std::vector<std::string> decisions;       ///< "conv1", ... from the columns ratio_conv1, ...
  std::vector<std::vector<double>> ratios;  ///< the options of each decision, ascending
  std::vector<Row> rows;  ///< one per action, the last decision's options running fastest

  std::vector<int> choices() const;
  const Row& row(const Action& action) const;
};

/// Reads a CSV file whose first line (a '#' before it is allowed) names the columns in this order:
/// ratio_NAME for each decision, compensator_weights, accuracy_percent, sd_over_chips. The options
/// are the ratios that occur; every combination of them appears once. FileError names the
/// column, the action that is missing or the one that appears twice.
ActionTable read_action_table(const std::filesystem::path& file);

/// The table as a problem: overhead = compensator_weights / network_weights. Borrows the table.
Problem table_problem(const ActionTable& table, const RewardRule& rule, double network_weights);
Problem table_problem(ActionTable&&, const RewardRule&, double) = delete;

}  // namespace ohmic::rl
