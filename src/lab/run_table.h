#pragma once

#include "lab/flow.h"

namespace ohmic::lab {

/// The tables that `ohmic run` prints: layers, accuracy and yield, error budget.
void print_run(const RunSetting& setting, const RunResult& result, const Console& console);

/// One line on the hardware: device, mapping, tiles, converters.
std::string hardware_words(const Experiment& experiment);

}  // namespace ohmic::lab
