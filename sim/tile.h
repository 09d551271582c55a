#pragma once

#include <cstdint>

#include "base/activity.h"
#include "base/linear_operator.h"
#include "base/random_stream.h"
#include "base/tap.h"
#include "sim/adc_lookup_table.h"
#include "sim/array.h"
#include "sim/converters.h"

namespace ohmic::sim {

/// Where a tile stands in its layer.
struct TilePlace {
  Index layer = 0, row_tile = 0, column_tile = 0;
  Index index = 0;                ///< among the tiles of the layer, row tile by row tile
  Index replica = 0;              ///< of several programmed copies of the layer
  Range rows = {}, columns = {};  ///< inputs and outputs of the layer
};

/// What every tile of a layer shares.
struct TileSetting {
  MappingRule rule;
  Subtraction subtraction = Subtraction::analog;
  double lsb_voltage = 1;  ///< [V] that one DAC code drives
  double input_step = 1;   ///< input units of one DAC code
  bool read_noise = true;
  std::shared_ptr<const LookupTable> lookup_table = nullptr;  ///< null: codes as converted
};

/// Room for one read; the caller keeps it, so that reading allocates nothing.
struct TileScratch {
  AlignedVector<float> currents, variance, normals;
  Matrix<float> conductance;  ///< of a read cell by cell
};

/// States of cells that are read one by one, from position to position of one lane block: lane by
/// lane, polarity by polarity.
using TileMemory = std::vector<devices::CellMemory>;

/// Where the normals of lookup tables lie: the row of draws of one sample, one normal per
/// conversion of the layer.
Address table_address(const ReadContext& context, const TilePlace& place, Index sample,
                      Index position);

/// A programmed array with its ADC. Everything that reading needs is computed on construction: the
/// panel of conductances that one conversion sees, the panel of noise variances where they differ
/// from cell to cell, and the size of a code.
class Tile {
 public:
  /// `scale`: |w| at u = 1 of every output of the tile.
  Tile(Array array, const TilePlace& place, const TileSetting& setting, const Quantiser& adc,
       std::vector<double> scale);

  /// Reads the tile at one position for a lane block: adds the digital partial sums to y (outputs x
  /// kLanes). `codes` are DAC codes; row_offset[r] is where row r of this tile lies from there.
  /// `squares` are the codes squared, needed if needs_squares().
  void read(const float* codes, const float* squares, const std::int32_t* row_offset,
            const ReadContext& context, Index position, Index samples, TileScratch& scratch,
            TileMemory& memory, float* y) const;
  /// The same tile `seconds` after programming.
  Tile after_drift(double seconds) const {
    return {array_.after_drift(seconds), place_, setting_, adc_, scale_};
  }

  bool needs_squares() const { return !variance_.empty(); }
  const Array& array() const { return array_; }
  const TilePlace& place() const { return place_; }
  const Quantiser& adc() const { return adc_; }
  const TileSetting& setting() const { return setting_; }
  const std::vector<double>& scale() const { return scale_; }
  /// Conversions of one read.
  Index conversions() const { return panel_.rows(); }

 private:
  void add_read_noise(const float* codes, const float* squares, const std::int32_t* row_offset,
                      const ReadContext& context, Index position, TileScratch& scratch) const;
  /// Adds to y what the lookup table gives for the codes of all conversions.
  void convert_by_table(const ReadContext& context, Index position, TileScratch& scratch,
                        float* y) const;
  /// Adds to the currents what cell-by-cell reads change.
  void add_cell_reads(const float* codes, const std::int32_t* row_offset,
                      const ReadContext& context, Index position, Index samples,
                      TileScratch& scratch, TileMemory& memory) const;

  Array array_;
  TilePlace place_;
  TileSetting setting_;
  Quantiser adc_;
  std::vector<double> scale_;
  Matrix<float> panel_;     ///< conversions x rows [S]; offset mapping: less its centre
  Matrix<float> variance_;  ///< conversions x rows [S^2]; empty where one number serves
  double sigma_ =
      0;  ///< [S] of one cell where it is the same for all, times sqrt(cells per conversion)
  std::vector<float> ones_;
  std::vector<float> output_scale_;  ///< output units of one siemens under one DAC code
};

}  // namespace ohmic::sim
