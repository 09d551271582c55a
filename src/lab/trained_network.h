#pragma once

#include "lab/console.h"
#include "lab/experiment.h"
#include "nn/dataset.h"
#include "nn/network.h"
#include "nn/trainer.h"

namespace ohmic::lab {

/// How a command came by its network.
struct NetworkOrigin {
  std::string words;             ///< "trained in 21 s (17,000 images/s)", "from the cache", ...
  double images_per_second = 0;  ///< 0 where it was not trained now
  nn::TrainingCourse course;  ///< of all its epochs, whoever trained them; empty for bare weights
};

struct NetworkOptions {
  bool use_cache = true;
  std::filesystem::path checkpoint;  ///< where the training is kept without a cache
};

/// The structure that the config asks for, built from a model, layers or a checkpoint. The files
/// that it names are read and checked.
nn::Network described_network(const Experiment& experiment, const nn::Shape& shape, Index classes);

/// A name for everything that a training depends on: data, network, training, method, and the
/// arithmetic of the kernels.
std::string training_digest(const Experiment& experiment, const nn::Network& network,
                            const nn::Data& data);

/// Loads, finds in the cache, resumes or trains the network of an experiment; batch-norm is folded
/// where asked for.
nn::TrainedNetwork obtain_network(const Experiment& experiment, const nn::Data& data,
                                  const NetworkOptions& options, const Console& console,
                                  NetworkOrigin& origin);

}  // namespace ohmic::lab
