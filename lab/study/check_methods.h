#pragma once

#include "lab/experiment/experiment.h"
#include "nn/dataset.h"
#include "nn/network.h"

/// What methods ask of a network, told before anything is trained.
namespace ohmic::lab {

/// ConfigError or FileError, at the key, where a method cannot work on this network: a compensator
/// on a layer that it does not have, or beyond the overhead limit; batch-norm statistics of a
/// network without digital batch-norm.
void check_methods(const Experiment& experiment, const nn::Network& network,
                   const std::vector<std::string>& methods);

/// ConfigError, at the key, for what the images do not allow: more test images than there are; of a
/// training, a batch larger than the set, augmentation that leaves nothing of an image, or an early
/// stop on validation images where there are none.
void check_images(const Experiment& experiment, const nn::Data& data);

/// ConfigError for lists of a comparison: none, or a value twice; fewer validation images than it
/// chooses on.
void check_comparison(const Experiment& experiment, const nn::Data& data);

/// The same for `ohmic search`: candidates that the network does not have or that appear twice, no
/// ratio above 0, a limit that no placement meets, more images than there are, a network that is
/// trained already.
void check_search(const Experiment& experiment, const nn::Network& network, const nn::Data& data);

}  // namespace ohmic::lab
