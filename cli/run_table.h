#pragma once

#include "lab/study/flow.h"

namespace ohmic::lab {

/// The tables that `ohmic run` prints: layers, accuracy and yield, error budget.
void print_run(const RunSetting& setting, const RunResult& result, const Console& console);

}  // namespace ohmic::lab
