#pragma once

#include <span>

#include "base/matrix.h"
#include "base/random_stream.h"

namespace ohmic::devices {

/// Whose chips these are. Populations never share a random address.
enum class Population { reported, selection, training, compensator };

/// Where and when an array is programmed. All addresses of its draws come from here; rows and
/// columns are weight coordinates (output, input), so that a chip does not depend on how it is
/// tiled.
struct ProgramContext {
  const RandomStream* stream = nullptr;
  Population population = Population::reported;
  Index chip = 0;         ///< training: the step
  Index programming = 0;  ///< training: the micro-batch
  Index layer = 0, polarity = 0, slice = 0;
  Index replica = 0;  ///< of several programmed copies of the layer
  Index tile = 0;     ///< number of the tile within its layer: what dead lines belong to
  Index first_row = 0,
        first_column = 0;            ///< weight coordinates of element (0, 0) of what is programmed
  std::span<const Index> rows = {};  ///< weight rows of the array's rows where they do not follow
                                     ///< first_row one by one (spare columns)
  Index attempt = 0;  ///< pulses that this programming has already given; moves all draws but
                      ///< those that a device is made with
  ConstView<float> broken = {};  ///< conductances [S] of cells that no pulse changes, as the array;
                                 ///< NaN: the cell works; empty: all do

  /// Standard normals of `part` for row `row` of the array, `out.size()` columns from its first.
  /// Device-to-device parts are the same at every programming of a chip; in training every
  /// micro-batch meets a chip of its own.
  /// `pulse` tells apart several draws of one part and cell (0 .. 15; parts that use no attempts: 0
  /// .. 8191).
  void normals(Purpose part, Index row, std::span<float> out, Index pulse = 0) const;
  /// Uniform numbers in (0, 1) at the same addresses.
  void uniforms(Purpose part, Index row, std::span<double> out, Index pulse = 0) const;
  /// Uniform numbers in (0, 1) of the tile's word lines (or its bit lines of this polarity), from
  /// line `first` on: the same at every programming of a chip.
  void line_uniforms(bool is_bit_line, Index first, std::span<double> out) const;

 private:
  Address address(Purpose part, Index row, Index pulse) const;
  /// The programming that stands for what a device is made with.
  Index made_programming() const;
};

}  // namespace ohmic::devices
