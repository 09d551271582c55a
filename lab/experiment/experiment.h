#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/fields.h"
#include "lab/experiment/axis.h"
#include "lab/methods/catalogue.h"
#include "nn/dataset.h"
#include "nn/network.h"
#include "nn/training_params.h"
#include "rl/reinforce.h"
#include "sim/crossbar.h"

/// The whole parameter tree of an experiment: what a config file says, checked, with defaults
/// filled in.
namespace ohmic::lab {

/// Keys at the top of the file.
struct RunParams {
  std::int64_t seed = 1;  ///< of chips and reads
  std::int64_t chips = 25;
  std::int64_t programmings_per_chip = 1, reads_per_programming = 1;
  std::int64_t threads = 0;  ///< 0: all processors
  std::string method = "plain";
};
void fields(FieldVisitor& f, RunParams& p);

/// Table [evaluation]: which images measure what.
struct EvaluationParams {
  std::int64_t images = 0;  ///< test images for the accuracy of a chip; 0: all
  std::int64_t budget_images = 2000;
  std::int64_t error_images = 512;  ///< for the signal-to-error ratio of layers
  std::int64_t calibration_images = 512;
  std::optional<double> yield_accuracy;  ///< none: 95 % of the float accuracy
  std::int64_t batch = 256;
};
void fields(FieldVisitor& f, EvaluationParams& p);

/// What is done digitally about drift: outputs are scaled by what a calibration read at programming
/// time gave over what it gives now.
enum class DriftCompensation { none, global, column };

/// When the corrections of a retention curve are found (ridge, affine, mean_correction,
/// bn_reestimation): at its first time, or at every time anew.
enum class CalibrationTime { once, each_time };

/// Table [time]: when chips are read.
struct TimeParams {
  double at = 0;                  ///< [s] after programming, for all that is measured
  std::vector<double> retention;  ///< [s] times of the retention curve; empty: none
  DriftCompensation drift_compensation = DriftCompensation::none;
  CalibrationTime calibration = CalibrationTime::once;
  /// The first time of the retention curve [s]; it must have one.
  double first_retention() const;
  bool is_active() const {
    return at > 0 || !retention.empty() || drift_compensation != DriftCompensation::none;
  }
};
void fields(FieldVisitor& f, TimeParams& p);

/// Table [compare].
struct CompareParams {
  std::vector<std::string> methods{"plain"};
  std::vector<std::int64_t> training_seeds{1};
  std::vector<double> sigmas;                   ///< short for an axis over device.sigma
  std::vector<Axis> axes;                       ///< compare.axes
  ConfigNode axes_as_written;                   ///< an empty table without axes
  std::vector<std::string> hardware{"config"};  ///< "config", "ideal" (converters, no read noise)
  std::int64_t selection_chips = 0;             ///< for choosing among methods; 0: no choice
  std::int64_t selection_images = 2000;         ///< validation images for it
};
void fields(FieldVisitor& f, CompareParams& p);

/// Table [search].
struct SearchParams {
  std::string algorithm = "reinforce";  ///< or "random", "greedy", "exhaustive"
  std::string evaluation = "shared";    ///< "shared" weights, or "individual" trainings
  std::vector<std::string> layers;      ///< candidates; empty: by the rules below
  std::vector<double> ratios{0, 0.125, 0.25, 0.5, 1, 2};
  double candidate_threshold = 0.95;  ///< fraction of the clean accuracy
  std::int64_t epochs = 3;        ///< of each individual training, and per decision of a shared one
  std::int64_t train_images = 0;  ///< 0: all
  double kappa = 0.05;
  std::int64_t chips = 15;
  std::int64_t images = 2000;
  std::int64_t seed = 1;
  bool exhaustive_too = true;  ///< run exhaustive, random and greedy beside the learner
  rl::ReinforceParams learner;
};
void fields(FieldVisitor& f, SearchParams& p);
/// The smallest ratio above 0; 0 where there is none.
double smallest_ratio(const SearchParams& p);

/// Table [sweep.sample]: points drawn instead of a grid.
struct SweepSample {
  enum class Kind { grid, random, latin_hypercube } kind = Kind::grid;
  std::int64_t points = 100;
  std::int64_t seed = 1;
};
void fields(FieldVisitor& f, SweepSample& p);

/// Table [sweep.until]: chips until the mean is known well enough, `chips` at most.
struct SweepUntil {
  std::optional<double> accuracy_ci_points;  ///< half of the 95 % interval, in points
  std::int64_t least_chips = 10;
};
void fields(FieldVisitor& f, SweepUntil& p);

/// Table [sweep].
struct SweepParams {
  std::vector<Axis> axes;
  SweepSample sample;
  SweepUntil until;
  bool independent_points = false;
  std::vector<std::string> measure{"accuracy"};
  ConfigNode as_written;  ///< axes, sample and until; an empty table without them
  bool measures(std::string_view what) const;
};
void fields(FieldVisitor& f, SweepParams& p);

/// One [[override]]: other hardware for some layers.
struct Override {
  std::string name;
  std::vector<std::string> layers;
  std::optional<bool> analog;   ///< none: as other overrides have it
  ConfigNode table;             ///< as written
  sim::LayerHardware hardware;  ///< the base with this override alone
  ConfigNode merged;            ///< its hardware tables, put into those of the base
};

struct Experiment {
  RunParams run;
  EvaluationParams evaluation;
  TimeParams time;
  nn::DataParams data;
  nn::NetworkParams network;
  nn::TrainingParams training;
  MethodTables methods;
  CompareParams compare;
  SearchParams search;
  SweepParams sweep;
  sim::LayerHardware hardware;
  std::vector<Override> overrides;
  std::filesystem::path folder;  ///< of the config file: relative paths start here
  std::string name;              ///< stem of the config file
  ConfigNode root;               ///< as written, --set applied
  Origin origin;                 ///< of the config as a whole, for messages
  ConfigNode hardware_tables;    ///< as written: what overrides are put into
};

/// Reads and checks `file` with `settings` ("key=value") applied. Throws ConfigError, FileError.
/// `defaults` are what a command takes where the file is silent.
Experiment read_experiment(const std::filesystem::path& file,
                           const std::vector<std::string>& settings,
                           const RunParams& defaults = {});
/// The same from a parsed tree; files of devices lie relative to `folder`.
Experiment make_experiment(const ConfigNode& root, const RunParams& defaults = {},
                           const std::filesystem::path& folder = {});

/// ConfigError unless data.set and a network are there.
void require_network(const Experiment& experiment);

/// ConfigError with `message` at the place of a dotted key, or of the config where it is not
/// written.
[[noreturn]] void fail_key(const Experiment& experiment, const std::string& key,
                           const std::string& message);

/// The hardware of each layer that is a product, overrides applied; none where the layer stays
/// digital. Throws ConfigError for an override of a layer that the network does not have.
std::vector<std::optional<sim::LayerHardware>> layer_hardware(const Experiment& experiment,
                                                              const nn::Network& network);

/// The manual of every key: "device.sigma (device lognormal)" and so on, in the order of the file.
struct KeyManual {
  std::string key;  ///< dotted
  std::string of;   ///< "device lognormal", "layer conv": what has the key; empty where all have it
  FieldManual field;
};
std::vector<KeyManual> key_manual();

}  // namespace ohmic::lab
