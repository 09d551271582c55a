#pragma once

#include "lab/console.h"
#include "lab/deploy.h"

namespace ohmic::lab {

/// Says what a run would do: training, tiles, cells, memory, and a time estimated from the speed of
/// this machine's kernels.
void print_dry_run(const Experiment& experiment, const nn::Network& network, const nn::Data& data,
                   bool trained, const Console& console);

}  // namespace ohmic::lab
