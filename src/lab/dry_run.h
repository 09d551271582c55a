#pragma once

#include "lab/console.h"
#include "lab/deploy.h"

namespace ohmic::lab {

/// Wall time from the speed of this machine's kernels, measured for a few milliseconds.
struct RunEstimate {
  double training_seconds = 0;  ///< of the base network; 0 where it is there
  double chip_seconds = 0;      ///< of one chip, the parts of its error budget included
};
RunEstimate estimate_run(const Experiment& experiment, const nn::Network& network,
                         const nn::Data& data, bool trained);

/// Says what a run would do: training, tiles, cells, memory, and a time estimated from the speed of
/// this machine's kernels.
void print_dry_run(const Experiment& experiment, const nn::Network& network, const nn::Data& data,
                   bool trained, const Console& console);

}  // namespace ohmic::lab
