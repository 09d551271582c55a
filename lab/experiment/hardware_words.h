#pragma once

#include "lab/experiment/experiment.h"

namespace ohmic::lab {

/// One line on the hardware: device, mapping, tiles, converters.
std::string hardware_words(const Experiment& experiment);

}  // namespace ohmic::lab
