#pragma once

#include "lab/experiment/experiment.h"

namespace ohmic::lab {

/// The data set of a config; errors name its key.
nn::Data load_data_of(const Experiment& experiment);

}  // namespace ohmic::lab
