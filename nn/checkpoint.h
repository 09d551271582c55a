#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/h5.h"
#include "nn/monitor.h"
#include "nn/network.h"
#include "nn/optimiser.h"
#include "nn/weight_average.h"

namespace ohmic::nn {

/// What finished epochs were like, one entry per epoch: it travels with the training, so that a
/// resumed one tells the same.
struct TrainingCourse {
  std::vector<double> loss, accuracy;        ///< means over the epoch's images while training
  std::vector<double> validation_accuracy;   ///< NaN without validation images
  std::vector<double> learning_rate;         ///< of the last step
  std::vector<LayerMonitors> monitors = {};  ///< empty in trainings of earlier versions
};

/// The epoch of the highest validation accuracy so far, the first of equal ones.
struct BestEpoch {
  Index epoch = 0;                 ///< 0: none yet
  double accuracy = 0;             ///< a fraction
  ParameterSet<float> parameters;  ///< empty in finished trainings
};

/// Where a training is. A finished one has the network's numbers in `parameters`, averaged or of
/// the best epoch as it was asked to, and neither average nor best ones beside them.
struct TrainingState {
  ParameterSet<float> parameters;
  OptimiserState optimiser;
  Index step = 0;         ///< steps taken
  Index epoch = 0;        ///< epochs finished
  double epoch_loss = 0;  ///< sum over the images of the epoch under way
  Index epoch_correct = 0, epoch_images = 0;
  TrainingCourse course = {};
  WeightAverage average = {};
  BestEpoch best = {};  ///< where training.early_stop_epochs asks for it
};

/// A training on disk: the network, where it is, and a digest of what it was trained on and how.
struct Checkpoint {
  Network network;
  TrainingState state;
  std::string digest;
  bool is_sealed = true;  ///< false: of Ohmic 0.1.0, damage to the file would not be noticed
};

/// Writes HDF5: /layers/<k>_<name>/{weight, bias, ...}, /optimiser/<moment>/<k>_<name>/... and,
/// where there are such, /average/... and /best/... in PyTorch's shapes, the rest as attributes.
/// Appears whole. FileError.
void save_checkpoint(const std::filesystem::path& file, const Network& network,
                     const TrainingState& state, const std::string& digest);

/// Reads one with the structure that it brings. FileError where its seal is broken, or something is
/// missing, misshapen or not finite.
Checkpoint load_checkpoint(const std::filesystem::path& file);
/// Reads one of a training on `network`. ConfigError naming what differs where it holds another
/// network.
Checkpoint load_checkpoint(const std::filesystem::path& file, const Network& network);

/// Weights from elsewhere: .npz, .safetensors or .h5 with PyTorch's names and shapes
/// ("conv1.weight" out x in x kernel x kernel, "features.0.weight", "fc1.weight" out x in,
/// "fc1.bias"; batch-norm "running_mean", "running_var"), in single, double or half precision. In
/// HDF5 a dot may also be a group. "module." in front of all names is left out, with a remark.
/// FileError for missing, unknown or non-finite arrays, ShapeError for wrong shapes ("fc1.weight is
/// 120 x 256, expected 120 x 400").
ParameterSet<float> load_weights(const std::filesystem::path& file, const Network& network);

/// Every number at the nearest of half precision. ConfigError naming one that is beyond it.
void round_to_half(const Network& network, ParameterSet<float>& parameters);
/// Writes what load_weights() reads, as HDF5 in half precision: a network to pass on, at half the
/// size. `describe` may write attributes. FileError.
void save_weights(const std::filesystem::path& file, const Network& network,
                  const ParameterSet<float>& parameters,
                  const std::function<void(h5::Writer&)>& describe = {});

}  // namespace ohmic::nn
