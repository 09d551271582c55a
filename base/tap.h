#pragma once

#include <optional>

#include "base/kernels.h"
#include "base/matrix.h"

namespace ohmic {

/// What one tile's ADC sees at one output position, for a lane block of samples.
struct TileReading {
  Index layer = 0, row_tile = 0, column_tile = 0, position = 0;
  Index first_sample = 0, samples = 0;
  Index first_column = 0,
        columns = 0;  ///< conversions; with digital subtraction 2 per output (positive, negative)
  const float* currents = nullptr;  ///< columns x kLanes
  double lsb_voltage = 1;           ///< [V] `currents` are in units of this times one siemens
  std::optional<CodeRange<float>> codes = {};  ///< that the ADC makes of them; none: ideal
};

/// What the DACs drive for a lane block of samples: the quantised image, padded with zeros.
struct DacReading {
  Index layer = 0, first_sample = 0, samples = 0;
  Index channels = 0, height = 0,
        width = 0;               ///< padding included; features in order (channel, row, column)
  const float* codes = nullptr;  ///< features x kLanes
};

/// Observes signals on their way. Borrowed pointers are valid during the call only.
class Tap {
 public:
  virtual ~Tap() = default;
  virtual void codes(const DacReading&) {}
  virtual void currents(const TileReading&) {}
};

}  // namespace ohmic
