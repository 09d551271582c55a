#pragma once

#include "base/console.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/experiment.h"
#include "lab/experiment/methods.h"
#include "lab/study/cached_training.h"

/// What the methods change about training: the base network, then its compensators.
namespace ohmic::lab {

/// What trainings need to know of their surroundings.
struct TrainingSetting {
  const Experiment& experiment;  ///< its training.seed is that of this training
  const nn::Data& data;
  const MethodOptions& options;
  bool use_cache = true;
  std::filesystem::path folder;  ///< where trainings are kept without a cache
  const Console& console;
  /// Results tell of every epoch: trainings that an earlier version kept without monitors are made
  /// again, to the same bits.
  bool needs_course = false;
  /// The folder holds several trainings: files there are named by their digests.
  bool names_by_digest = false;
  /// Others work on the folder from hosts that may not see this one's cache: what the cache does
  /// not have is kept in the folder.
  bool shares_folder = false;
};

/// The base network of a method: loaded where the config names a file, else trained with penalty,
/// injection, sharpness-aware steps and distillation, in any combination, once a seed, and kept
/// under its digest. Batch-norm is not folded.
nn::TrainedNetwork train_base(const TrainingSetting& setting, const MethodSet& methods,
                              NetworkOrigin& origin);

/// Whether train_base() would find its network instead of training it.
bool has_trained_base(const TrainingSetting& setting, const MethodSet& methods);

/// `base` with the compensators that the options (or the placement file that they name) place.
/// ConfigError where no layer is named, a layer is unknown, or the overhead limit is exceeded.
nn::Network compensated_network(const Experiment& experiment, const nn::Network& base,
                                const CompensationOptions& options);

/// `base` with trained compensators. The base is frozen, every sub-batch meets fresh variation.
/// ConfigError where no layer is named or the overhead limit is exceeded. `mask` (named for the
/// digest) may hide parameters from a step.
nn::TrainedNetwork train_compensators(const TrainingSetting& setting,
                                      const nn::TrainedNetwork& base,
                                      const CompensationOptions& options, NetworkOrigin& origin,
                                      const nn::ParameterMask& mask = {},
                                      const std::string& mask_name = "");

/// The variation that a method trains `network` under: log-normal of its sigma, or that of the
/// cells that the network will be deployed on.
std::unique_ptr<WeightPerturbation> make_perturbation(const Experiment& experiment,
                                                      const nn::Network& network, double sigma,
                                                      bool from_device);

}  // namespace ohmic::lab
