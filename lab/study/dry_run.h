#pragma once

#include <optional>

#include "base/console.h"
#include "lab/study/deploy.h"

namespace ohmic::lab {

/// One layer of products as it will be cut.
struct LayerSketch {
  std::string name;
  Index outputs = 0, inputs = 0;
  Index tiles = 0, cells = 0;  ///< 0: digital
  double cell_bytes = 0;       ///< in memory, of all cells
};

/// What a run would take, from shapes alone: nothing is allocated but the layers' names. Times
/// follow from the speed of this machine's kernels, measured for a few milliseconds.
struct WorkEstimate {
  std::vector<LayerSketch> layers;
  double training_seconds = 0;  ///< of the base network; 0 where it is there
  double chip_seconds = 0;      ///< of one chip, the parts of its error budget included
  double memory_bytes = 0, disk_bytes = 0;
};
/// ConfigError, ShapeError for tiles that do not fit.
WorkEstimate estimate_work(const Experiment& experiment, const nn::Network& network,
                           const nn::Data& data, bool trained);

/// ConfigError where it needs more memory than the machine has.
void refuse_beyond_memory(const WorkEstimate& work, const Experiment& experiment);

/// Wall time of so many multiply-accumulates on noisy cells.
double seconds_of_macs(double count);

/// Lines on time (of what the command does), memory and disk (at `place`).
void print_work(const Console& console, const std::string& place,
                std::optional<double> training_seconds, std::optional<double> chip_seconds,
                double memory_bytes, double disk_bytes);

/// What a dry run is of.
struct DryRun {
  std::optional<bool> trained;  ///< whether the base network is there; none where the data are only
                                ///< outlined, so that it is unknown
  std::string place;            ///< folder of results
  bool has_chips = true;        ///< whether chips are measured
};

/// Says what a command would do.
void print_dry_run(const Experiment& experiment, const nn::Network& network, const nn::Data& data,
                   const DryRun& what, const Console& console);

}  // namespace ohmic::lab
