#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "lab/study/deploy.h"

namespace ohmic::lab {

/// One line of the budget: the same chips and images with a part of the hardware switched on.
struct BudgetLine {
  std::string key;    ///< data set name under /error_budget
  std::string label;  ///< for the table
  sim::ChipOptions options;
  std::vector<double> accuracy;  ///< one per chip
  bool is_float = false;         ///< no hardware at all
  bool differs_by_chip = true;   ///< false: computed once for all
  /// Of a line that is the same for all chips: images that it alone has right, and that only the
  /// float network has. None where a file does not say.
  std::optional<std::int64_t> gained = {}, lost = {};
};

/// What of the hardware has lines of its own in the budget.
struct BudgetParts {
  bool read_noise = false, faults = false;
  double seconds = 0;  ///< after programming; above 0, drift has a line
};

/// The lines in the order of the table: float, mapping, converters, programming (as programmed),
/// drift (programmed, then drifted), mean_shift, faults (cells at their targets, but for the broken
/// ones), read_noise, all; drift and faults where there are any. Every line but the first maps the
/// weights to the cells' levels; `mapping` is what that costs alone.
std::vector<BudgetLine> budget_lines(const BudgetParts& parts);

/// Cost against the float network in accuracy, with an interval over chips (paired: every line has
/// the same chips and images), or over images where the line is the same for all chips.
struct BudgetCost {
  double mean = 0;
  Interval interval;
};
/// The cost of line `number` of a budget over so many images.
BudgetCost cost_of(const std::vector<BudgetLine>& budget, std::size_t number, Index images,
                   const RandomStream& stream);
/// "chips" or "images": what the interval of the line's cost is over.
const char* sampled_by(const BudgetLine& line);

/// Signal-to-error ratio of each MAC layer against its clean output, in dB: accumulated (errors of
/// earlier layers included) and isolated (clean input). Rows are layers; NaN for a digital layer's
/// isolated value. Infinite where exact.
struct LayerErrors {
  std::vector<double> accumulated_db, isolated_db;
};
LayerErrors layer_errors(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                         const CleanActivations& clean, const nn::Deployment& deployment,
                         const ReadContext& reader);

}  // namespace ohmic::lab
