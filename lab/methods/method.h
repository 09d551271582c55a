#pragma once

#include <functional>

#include "lab/methods/chip.h"
#include "lab/methods/clean_activations.h"
#include "nn/trainer.h"

/// A method that makes networks robust: what it does at each stage of a study, and what it costs.
namespace ohmic::lab {

/// A network that a method is asked to work on, before anything is trained.
struct MethodNeeds {
  const nn::Network& network;
  bool keeps_batch_norm = false;  ///< on the chip, as digital layers
  std::filesystem::path folder;   ///< where relative files of the config start
};

/// What a method may ask for while networks are trained.
struct TrainingAid {
  std::int64_t seed = 1;
  std::filesystem::path folder;  ///< where relative files of the config start
  /// The plain network of the same seed, trained where it is not there.
  std::function<std::shared_ptr<const nn::TrainedNetwork>()> plain_network;
  /// The variation of the cells that a network will be deployed on.
  std::function<std::shared_ptr<const WeightPerturbation>(const nn::Network&)> cell_variation;
};

/// Hooks of a training, and what they point to.
struct MethodTraining {
  nn::TrainingHooks hooks;
  std::vector<std::shared_ptr<const void>> owned;
  template <class T>
  const T& keep(std::shared_ptr<const T> value) {
    owned.push_back(value);
    return *value;
  }
};

/// A training that follows that of the base network.
struct FurtherTraining {
  std::string label;  ///< in log lines and file names
  nn::Network network;
  nn::TrainingParams params;
  MethodTraining training;
  std::function<nn::TrainingState()> fresh;  ///< the state before the first step
  /// What its bits depend on beside network, params, base network and images; the cells that it
  /// draws where `draws_cells`.
  std::string words, variation;
  bool draws_cells = false;
};

/// Marks what is particular to a method in a plan, before chips are made of it.
using PlanMark = std::function<void(HardwarePlan&)>;

/// One chip's cells, for numbers that a method keeps in cells of its own.
struct CellAid {
  const sim::LayerHardware& hardware;
  devices::ProgramContext context;
  const sim::ChipOptions& options;
};

/// A programmed chip, to be corrected.
struct CorrectionAid {
  const HardwarePlan& plan;
  sim::ChipOptions options;       ///< time counts where nothing else compensates drift
  const CleanActivations* clean;  ///< of Method::calibration_images; null where that is 0
  ReadContext reader;             ///< names the chip and kCalibrationRead
};

/// What a chip costs beside the network itself.
struct MethodCost {
  nn::Overhead digital = {};     ///< weights, and multiply-accumulates per image
  std::int64_t verified = 0;     ///< weights that are programmed with verification
  double pulses = 0;             ///< programming pulses beyond one per cell; estimated for methods
  Index copies = 1;              ///< programmed copies of every matrix
  Index calibration_images = 0;  ///< that every chip reads before it is used
};

/// A method with its options. A stage that it leaves alone has no hook.
struct Method {
  std::string kind = {};        ///< its name in the catalogue
  std::string name = {};        ///< in the config: the kind, or a variant's own name
  std::string variant_of = {};  ///< what a variant's table says that it is; "" where it is none
  ConfigNode options = {};      ///< its keys, defaults written out

  // What its results depend on.
  bool trains_for_cells = false;  ///< its trainings draw cells of the hardware
  bool draws_by_seed = false;     ///< draws under training.seed after the base training
  bool corrects = false;          ///< its corrections depend on when they are found
  std::string excludes = {};      ///< a kind that would stand in the same place

  // What it does, in the order of a study.
  std::function<void(const MethodNeeds&)> check = {};  ///< ConfigError at the key, FileError
  std::function<void(const nn::Network&, const TrainingAid&, MethodTraining&)> train = {};
  std::function<FurtherTraining(const nn::TrainedNetwork& base, const TrainingAid&)> further = {};
  std::function<PlanMark(const nn::TrainedNetwork&, const nn::Data&, std::uint64_t seed)> plan = {};
  std::function<void(ChipKind&)> arrange = {};
  std::function<void(const CellAid&, Chip&)> house = {};
  Index calibration_images = 0;
  std::function<void(const CorrectionAid&, Chip&)> correct = {};
  /// Takes over what correct() found on the same chip at another time, beside Deployment::after.
  std::function<void(const Chip& corrected, Chip&)> recall = {};
  /// Adds what it costs beside Chip::deployment's corrections, which are counted as they stand.
  std::function<void(const HardwarePlan&, const Chip&, MethodCost&)> cost = {};
};

}  // namespace ohmic::lab
