#pragma once

#include <functional>

#include "base/activity.h"
#include "base/console.h"
#include "base/statistics.h"
#include "lab/study/deploy.h"
#include "lab/study/error_budget.h"
#include "lab/study/method_run.h"

/// The main job: config -> data -> network -> mapping and calibration -> chips -> accuracy and
/// error budget.
namespace ohmic::lab {

/// What was measured. Chip-wise numbers are in the order of the chips.
struct RunResult {
  nn::Evaluation float_network;  ///< on the whole test set, without hardware
  Index programmings = 1, reads = 1;
  std::vector<double> accuracy, top5_accuracy, loss;  ///< chip x programming x read
  Matrix<double> class_accuracy;      ///< chips x classes, means over programmings and reads
  std::vector<double> chip_accuracy;  ///< one per chip: the mean over programmings and reads
  Matrix<double> retention;           ///< times of time.retention_s x chips (first programming)
  std::vector<BudgetLine> budget;     ///< empty where evaluation.budget_images = 0
  Index budget_images = 0;
  Matrix<double> accumulated_db,
      isolated_db;  ///< MAC layers x chips; empty where evaluation.error_images = 0
  std::vector<sim::CellCounts> cells;  ///< per MAC layer, over all chips and programmings
  Activity activity;                   ///< of all chips on the whole test set
  double yield_accuracy = 0;           ///< what counts as a good chip
  double seconds_a_chip = 0;           ///< of the accuracy alone
  MethodCost cost;                     ///< of a chip, beside the network

  /// The spread of accuracy split into chips, programmings and reads.
  VarianceSplit variance() const;
  double yield() const;  ///< fraction of chips at or above yield_accuracy
};

/// Everything a run works on.
struct RunSetting {
  const Experiment& experiment;
  const nn::Data& data;
  const PreparedMethod& method;
  const MethodChips& chips;
  /// Of the network without hardware on the same images, where it was evaluated; else null.
  const nn::Evaluation* float_network = nullptr;
  /// Asked after every chip whether those so far are enough (accuracy of each); empty: all chips.
  std::function<bool(const std::vector<double>&)> enough = {};
  bool ideal_hardware = false;  ///< ideal converters and no read noise in the chips' accuracy
  const nn::TrainedNetwork& trained() const { return method.trained; }
  const HardwarePlan& plan() const { return chips.plan(); }
};

/// Programs and measures every chip. Throws Interrupted on Ctrl-C.
RunResult measure(const RunSetting& setting, const Console& console);

}  // namespace ohmic::lab
