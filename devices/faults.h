#pragma once

#include <array>
#include <filesystem>
#include <map>

#include "devices/device_model.h"
#include "io/fields.h"

namespace ohmic::devices {

/// What is broken about a cell. The numbers are those of a user's map: append, never reorder.
enum class Fault : std::uint8_t {
  none,
  stuck_at_g_min,
  stuck_at_g_max,
  stuck_at_given,
  dead_row,
  dead_column
};

/// Table [faults].
struct FaultParams {
  double stuck_at_g_min = 0, stuck_at_g_max = 0, stuck_at_given = 0;  ///< rates per cell
  std::optional<double> given = {};                                   ///< [S] of stuck_at_given
  double dead_rows = 0, dead_columns = 0;  ///< rates per word line; per bit line
  std::string map = {};                    ///< file of the user's own map; empty: drawn
  bool adjusts_pairs = false;      ///< what a stuck device takes from a pair, the other one gives
  std::int64_t spare_columns = 0;  ///< a tile
  bool is_active() const {
    return stuck_at_g_min + stuck_at_g_max + stuck_at_given + dead_rows + dead_columns > 0 ||
           !map.empty();
  }
};
void fields(FieldVisitor& f, FaultParams& p);
/// Throws ConfigError (at `table`) for rates that sum to more than 1, and for cells stuck at a
/// given conductance that is not given.
void check_faults(const FaultParams& p, const ConfigNode& table, const std::string& path);
extern const char* const kFaultsManual;

/// The faults of the cells that `context` places. One addressed uniform per cell decides: it is
/// stuck where that is below the sum of the three rates, so maps at growing rates nest; a second
/// one shares the stuck cells out among the three kinds. One more for each word line (a column of
/// the weight grid, both devices of a pair) and bit line (a row of the grid, one polarity) of the
/// tile context.tile, whose first bit line here is `first_bit_line`.
Matrix<std::uint8_t> draw_faults(const FaultParams& params, const ProgramContext& context,
                                 Index rows, Index columns, Index first_bit_line = 0);

/// Conductance [S] of a broken cell, at any time: 0 on a dead line.
double broken_conductance(Fault fault, const FaultParams& params, const DeviceModel& device);

/// A layer's own map: one plane per polarity, n_out x n_in, numbers of Fault.
using LayerFaults = std::array<Matrix<std::uint8_t>, 2>;

/// Reads a user's map: /LAYER of an HDF5 file, 2 x n_out x n_in (positive, negative) numbers of
/// Fault. FileError names file, data set and cell of what is none.
std::map<std::string, LayerFaults> read_fault_map(const std::filesystem::path& file);
/// The map of one layer out of a file, of `rows` x `columns` weights. FileError where the file has
/// none, ShapeError where it has another shape, ConfigError for cells stuck at stuck_uS where that
/// is not given.
LayerFaults layer_faults(const std::filesystem::path& file, const FaultParams& params,
                         const std::string& layer, Index rows, Index columns);

}  // namespace ohmic::devices
