#pragma once

#include "base/console.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/experiment.h"
#include "lab/methods/catalogue.h"
#include "lab/study/cached_training.h"

/// Trainings of a study: the base network, and what follows it.
namespace ohmic::lab {

/// What trainings need to know of their surroundings.
struct TrainingSetting {
  const Experiment& experiment;  ///< its training.seed is that of this training
  const nn::Data& data;
  bool use_cache = true;
  std::filesystem::path folder;  ///< where trainings are kept without a cache
  const Console& console;
  /// Results tell of every epoch: trainings that an earlier version kept without monitors are made
  /// again, to the same bits.
  bool needs_course = false;
  /// NetworkOrigin::state is asked for, which is several times the network.
  bool keeps_state = false;
  /// The folder holds several trainings: files there are named by their digests.
  bool names_by_digest = false;
  /// Others work on the folder from hosts that may not see this one's cache: what the cache does
  /// not have is kept in the folder.
  bool shares_folder = false;
};

/// Whether the config brings a trained network.
bool is_given(const Experiment& experiment);
/// Whether it does, and no method trains it further.
bool trains_nothing(const Experiment& experiment, const MethodSet& methods);

/// The base network of a method: loaded where the config names a file, else trained with what the
/// method does to it, once per seed, and kept under its digest. Batch-norm is not folded.
nn::TrainedNetwork train_base(const TrainingSetting& setting, const MethodSet& methods,
                              NetworkOrigin& origin);

/// Whether train_base() would find its network instead of training it.
bool has_trained_base(const TrainingSetting& setting, const MethodSet& methods);

/// What methods may ask for in trainings of that setting, which it borrows.
TrainingAid training_aid(const TrainingSetting& setting);

/// The network of a training that follows that of `base`, kept under its digest.
nn::TrainedNetwork train_further(const TrainingSetting& setting, const nn::TrainedNetwork& base,
                                 FurtherTraining further, NetworkOrigin& origin);

}  // namespace ohmic::lab
