#pragma once

#include "lab/experiment/experiment.h"

namespace ohmic::lab {

/// One line on the hardware: device, mapping, tiles, converters.
std::string hardware_words(const Experiment& experiment);

/// One line on how verifying loops ended; `where` is said of the cells that gave up, if any.
std::string verification_line(std::int64_t within_tolerance, std::int64_t gave_up,
                              const std::string& where = "");

/// Characters that a column of layers' names takes: at least ten.
int name_column(const nn::Network& network);

}  // namespace ohmic::lab
