#pragma once

#include <filesystem>
#include <map>

#include "lab/report/point_grid.h"
#include "lab/study/error_budget.h"

/// What a report shows, read from the results of any command.
namespace ohmic::lab {

/// An error budget and where it was taken ("" : as configured).
struct ReportBudget {
  std::string at;
  std::vector<BudgetLine> lines;  ///< the float network first
  std::int64_t images = 0;        ///< 0: not told
};

/// Signal-to-error ratios [dB], layer x chip.
struct ReportLayers {
  std::string at;
  std::vector<std::string> names;
  std::vector<std::vector<double>> accumulated, isolated;
};

/// What a run counts in every layer.
struct LayerCounts {
  std::vector<std::int64_t> tiles, macs;
  std::vector<double> dac_saturation, adc_saturation;  ///< fractions of conversions
};

/// Accuracy of the chips of a run, and what stands beside it.
struct ReportRun {
  std::vector<double> chip_accuracy;
  double float_accuracy = 0, yield = 0, yield_accuracy = 0;
  std::int64_t images = 0;
  std::map<std::string, std::vector<double>> variance;  ///< level: estimate, low, high
  LayerCounts layers;
};

/// One evaluation of a search.
struct ReportPlacement {
  std::vector<double> ratio;       ///< one per candidate
  double accuracy;                 ///< NaN: not measured
  double overhead, overhead_macs;  ///< of weights; of multiply-accumulates, NaN in older files
  double reward;
};

struct ReportSearch {
  std::vector<std::string> candidates;
  std::vector<ReportPlacement> evaluations;
  std::vector<std::string> chosen_layers;
  std::vector<double> chosen_ratios;
  std::vector<double> from_layer_on, only_layer;
};

/// "conv1 0.5, fc1 1.0": the compensated layers of a placement; "none".
std::string placement_words(const std::vector<std::string>& layers,
                            const std::vector<double>& ratios);

struct ReportData {
  std::filesystem::path file;
  bool is_sealed = true;  ///< false: of Ohmic 0.1.0, damage to the file would not be noticed
  std::string command, config, version, identity;
  std::int64_t seed = 0;
  std::vector<std::pair<std::string, std::string>> provenance;  ///< name, value
  std::optional<ReportRun> run;
  std::optional<ReportSearch> search;
  std::vector<PointGrid> grids;  ///< summarised; of a run: its chips, its retention
  std::vector<ReportBudget> budgets;
  std::vector<ReportLayers> layers;
};

/// Where the intervals of the results' own command drew, so that a report repeats them.
RandomStream stream_of(const ReportData& report);

}  // namespace ohmic::lab
