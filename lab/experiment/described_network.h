#pragma once

#include "lab/experiment/experiment.h"
#include "nn/network.h"

namespace ohmic::lab {

/// The structure that the config asks for, built from a model, layers or a checkpoint. The files
/// that it names are read and checked.
nn::Network described_network(const Experiment& experiment, const nn::Shape& shape, Index classes);

/// Where a file lies that the config names: relative paths start at the config's folder.
std::filesystem::path from_config(const Experiment& experiment, const std::string& file);

}  // namespace ohmic::lab
