#pragma once

#include <functional>

#include "base/console.h"
#include "nn/trainer.h"

namespace ohmic::lab {

/// Where a command's network came from.
struct NetworkOrigin {
  std::string words;                ///< "trained in 21 s (17,000 images/s)", "from the cache", ...
  double images_per_second = 0;     ///< 0 where it was not trained now
  nn::TrainingState state;          ///< where its last training ended, the optimiser's with it;
                                    ///< empty unless TrainingSetting::keeps_state
  std::vector<std::string> layers;  ///< names of its MAC layers
  nn::TrainingCourse course;  ///< of all its epochs, whoever trained them; empty for bare weights
};

/// Where a training is kept.
struct KeptTraining {
  std::filesystem::path file;    ///< empty: nowhere
  std::filesystem::path cached;  ///< looked at first, never written; empty: none
  std::string note;              ///< why it is not kept in the cache as usual; told when it trains
};

/// One training with a name, kept in a file.
struct CachedTraining {
  const nn::Network& network;
  const nn::Data& data;
  const nn::TrainingParams& params;
  std::string label;   ///< in log lines: "plain", "injection", ...
  std::string digest;  ///< of everything that the result depends on
  KeptTraining kept;
  std::function<nn::TrainingState()> fresh;  ///< the state before the first step
  bool needs_course = false;  ///< trained again where an earlier version kept no monitors of it
  bool keeps_state = false;   ///< in NetworkOrigin::state
};

/// The finished state: as the file has it, resumed from there, or trained now; a damaged file is
/// told and trained again. `hooks` brings the rules; checkpoint, stop and report are set here.
nn::TrainingState train_cached(const CachedTraining& training, nn::TrainingHooks hooks,
                               const Console& console, NetworkOrigin& origin);

}  // namespace ohmic::lab
