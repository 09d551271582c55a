#pragma once

#include <span>
#include <vector>

#include "base/matrix.h"
#include "base/random_stream.h"
#include "devices/cells.h"

namespace ohmic::devices {

/// Where one read of an array stands among all reads: what is not Gaussian draws from here, cell by
/// cell.
struct CellRead {
  const RandomStream* stream = nullptr;
  Index chip = 0, programming = 0, read = 0;
  Index layer = 0, slice = 0, replica = 0, polarity = 0;
  Index sample = 0, position = 0;
  Index first_row = 0, first_column = 0;  ///< weight coordinates of element (0, 0)

  /// Uniform numbers in (0, 1) of row `row`, `out.size()` columns from its first.
  void uniforms(Index row, std::span<double> out) const;
};

/// The states of an array's cells after a read, for the next read of the same sample.
struct CellMemory {
  Matrix<std::uint8_t> full;       ///< traps
  Index next = 0;                  ///< the position that it is good for
  std::vector<double> draws = {};  ///< room for those of a row
};

/// A part of every read that no Gaussian current stands for (telegraph noise): cells are read one
/// by one.
class CellReads {
 public:
  virtual ~CellReads() = default;
  /// Applies to `g` [S], which holds the cells' conductances, what is particular to one read. The
  /// result depends on the read alone; `memory` (the caller's, one per array and sample) spares
  /// going through the earlier positions again.
  virtual void apply(const Cells& cells, double seconds, const CellRead& read, CellMemory& memory,
                     View<float> g) const = 0;
};

}  // namespace ohmic::devices
