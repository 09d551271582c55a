#pragma once

#include "lab/experiment/experiment.h"
#include "lab/study/cell_planes.h"

/// One matrix programmed on chips and read, in memory: the work of `ohmic mvm`.
namespace ohmic::lab {

/// What a command on one matrix takes where the config is silent: one chip.
RunParams matrix_defaults();

/// W (outputs x inputs) and vectors X (one per row); borrowed. The names are those of messages.
struct Mvm {
  const Experiment& experiment;
  ConstView<float> w, x;
  std::string w_name = "W", x_name = "X";
};

/// W on its tiles, DACs calibrated on X, ADCs not yet. ShapeError where a matrix is empty or the
/// two do not fit; ConfigError, FileError (of a fault map).
sim::LayerPlan plan_mvm(const Mvm& mvm);

/// What the tiles of all chips held and saw.
struct MvmDump {
  CellPlanes cells;
  Index row_tiles = 0, conversions = 0;  ///< of a vector in one row tile
  std::vector<float> dac_codes;          ///< vector x input, of the first chip
  std::vector<float> currents;           ///< [A] chip x row tile x vector x conversion
  std::vector<float> adc_codes;          ///< the same; NaN: ideal
};

struct MvmResult {
  std::vector<float> y;  ///< chips x vectors x outputs
  std::int64_t conversions = 0, clipped = 0;
  sim::CellCounts cells;  ///< of all chips
};

/// Calibrates the ADCs on X, programs every chip and reads it with every vector; fills `dump` where
/// it is given. ConfigError where the product is not finite; Interrupted.
MvmResult multiply(const Mvm& mvm, sim::LayerPlan plan, MvmDump* dump, bool quiet);

/// Programs W on every chip and reads nothing: the cells that multiply() dumps, whatever X is.
CellPlanes program_cells(const Experiment& experiment, ConstView<float> w);

}  // namespace ohmic::lab
