#pragma once

#include <functional>

#include "base/console.h"
#include "base/progress.h"
#include "lab/study/method_run.h"

/// Chips one after the other: programmed, corrected, and read on images.
namespace ohmic::lab {

/// Which chips, how often, and on what. Borrows everything but the images.
struct ChipLoop {
  const MethodChips& chips;
  const nn::Data& data;
  nn::ImageList images;
  Index count = 1, programmings = 1, reads = 1;  ///< chips, programmings of each, reads of those
  Index batch = 256;
  bool ideal_hardware = false;  ///< ideal converters and no read noise
  const char* how_to_go_on = "interrupted; the same command goes on from what is done";
};

/// What is made of them.
struct ChipLoopHooks {
  std::function<void(Index chip, Index programming, const Chip&)> programmed = {};
  std::function<void(Index chip, const nn::Evaluation&)> read;
  std::function<bool()> enough = {};  ///< asked after every chip; none: all chips
};

/// Programs the chips and evaluates every read of them; counts go to `activity` where it is given.
/// Returns the wall time of a programming with its reads [s]. Throws Interrupted on Ctrl-C,
/// ConfigError where outputs are not finite.
double for_each_chip(const ChipLoop& loop, const ChipLoopHooks& hooks, Progress& progress,
                     Activity* activity = nullptr);

/// Which chips are measured, and on what.
struct ChipRun {
  devices::Population population = devices::Population::reported;
  Index chips = 1;
  nn::ImageList images;
  bool ideal_hardware = false;  ///< ideal converters and no read noise
};

/// The accuracy of chips of `experiment`'s hardware under the method, one per chip.
std::vector<double> chip_accuracies(const PreparedMethod& method, const Experiment& experiment,
                                    const nn::Data& data, const ChipRun& run,
                                    const Console& console, const SharedWork& shared = {});

}  // namespace ohmic::lab
