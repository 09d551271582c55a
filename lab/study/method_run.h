#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "lab/study/deploy.h"
#include "lab/study/trainings.h"

/// A method from training to the accuracy of its chips.
namespace ohmic::lab {

/// A method after its trainings, for one training seed.
struct PreparedMethod {
  MethodSet set;
  /// As it was trained; nothing unless TrainingSetting::keeps_state.
  std::optional<nn::TrainedNetwork> unfolded;
  nn::TrainedNetwork trained;  ///< compensators included, batch-norm folded where asked for
  NetworkOrigin origin;        ///< of its last training
  Index base_weights = 0, base_macs = 0;  ///< of the network without compensators
  std::vector<PlanMark> marks;            ///< what its parts mark in every plan
  double clean_accuracy = 0;              ///< of the float network on evaluated_images()
};

/// Clean activations of the images that converters are calibrated on.
std::shared_ptr<const CleanActivations> calibration_activations(const PreparedMethod& method,
                                                                const Experiment& experiment,
                                                                const nn::Data& data);

/// The test images that accuracies are measured on, of chips and of the float network alike.
nn::ImageList evaluated_images(const Experiment& experiment, const nn::Data& data);

PreparedMethod prepare_method(const TrainingSetting& setting, const MethodSet& set);

/// Programmed layers of chips, kept for experiments that only read them otherwise. Any thread.
class ProgrammedChips {
 public:
  explicit ProgrammedChips(std::int64_t most_cells) : most_cells_(most_cells) {}
  /// Null where they are not kept.
  std::shared_ptr<const ProgrammedLayers> find(Index chip, Index programming) const;
  /// Keeps them unless there are more cells than may be kept.
  void keep(Index chip, Index programming, const ProgrammedLayers& layers, std::int64_t cells);

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<Index, Index>, std::shared_ptr<const ProgrammedLayers>> kept_;
  std::int64_t cells_ = 0, most_cells_;
};

/// What experiments on one network may have in common.
struct SharedWork {
  std::shared_ptr<const CleanActivations> calibration = nullptr;  ///< null: made here
  ProgrammedChips* programmed = nullptr;                          ///< null: none
};

/// The chips of one method on one experiment's hardware: mapped and calibrated once, programmed and
/// corrected one by one. Borrows everything.
class MethodChips {
 public:
  MethodChips(const PreparedMethod& method, const Experiment& experiment, const nn::Data& data,
              devices::Population population = devices::Population::reported,
              const SharedWork& shared = {});

  /// What runs measure unless an error budget takes it apart: everything, at time.at_s.
  sim::ChipOptions as_configured() const { return {.seconds = experiment_.time.at}; }
  /// One programmed chip with the method's corrections, found at options.seconds.
  Chip make(Index chip, Index programming, const sim::ChipOptions& options) const;
  /// The same chip `seconds` after programming, its drift compensated anew. Its corrections are
  /// those of `calibrated`, the same chip at another time, or found now where that is null.
  Chip after_drift(const Chip& chip, Index index, Index programming, double seconds,
                   const Chip* calibrated) const;
  /// Who reads it.
  ReadContext reader(Index chip, Index programming, Index read) const;
  const HardwarePlan& plan() const { return plan_; }
  /// What `chip` costs beside the network.
  MethodCost cost(const Chip& chip) const;

 private:
  const PreparedMethod& method_;
  const Experiment& experiment_;
  devices::Population population_;
  RandomStream stream_;
  /// Calibration images, for the plan and for converters that are calibrated on each chip.
  std::shared_ptr<const CleanActivations> range_images_;
  HardwarePlan plan_;
  ProgrammedChips* programmed_ = nullptr;
  /// Brings a chip from its programmed layers to options.seconds: drift compensated, compensators
  /// in their place, no corrections.
  void let_drift(Index index, Index programming, const sim::ChipOptions& options, Chip& chip) const;
  /// Finds the method's corrections on the chip as it is.
  void correct(Index index, Index programming, const sim::ChipOptions& options, Chip& chip) const;
  /// By their number, the images that parts calibrate on.
  std::map<Index, CleanActivations> calibration_;
};

}  // namespace ohmic::lab
