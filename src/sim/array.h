#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "devices/device_model.h"
#include "sim/mapping.h"

namespace ohmic::sim {

/// How far programming goes: the error budget takes it apart.
enum class Programming {
  drawn,      ///< what the device model draws
  at_mean,    ///< every device at its model's mean
  at_target,  ///< no programming error
};

/// Cells that programming brought to the bounds of what a device can be.
struct CellCounts {
  std::int64_t cells = 0;
  std::int64_t above_g_max = 0;
  std::int64_t cut_at_zero = 0;  ///< 0 though the target is above it
  void add(const CellCounts& other) {
    cells += other.cells;
    above_g_max += other.above_g_max;
    cut_at_zero += other.cut_at_zero;
  }
};

/// The programmed cells of one tile, one plane a polarity, and their conductances at one time.
/// Immutable.
class Array {
 public:
  /// Ages `cells` (one a polarity) to `seconds` after programming.
  Array(std::shared_ptr<const devices::DeviceModel> device, std::vector<devices::Cells> cells,
        double seconds);
  /// The same cells at another time: a function of the programmed state alone.
  Array aged(double seconds) const { return {device_, cells_, seconds}; }

  std::size_t polarities() const { return cells_.size(); }
  const devices::Cells& cells(std::size_t polarity) const { return cells_[polarity]; }
  /// Conductances [S], n_out x n_in.
  ConstView<float> conductance(std::size_t polarity) const { return now_[polarity]; }
  CellCounts counts() const;
  /// Deviation [S] of one read of each cell.
  Matrix<float> read_sigma(std::size_t polarity) const;
  const devices::DeviceModel& device() const { return *device_; }
  double seconds() const { return seconds_; }

 private:
  std::shared_ptr<const devices::DeviceModel> device_;
  std::vector<devices::Cells> cells_;
  std::vector<Matrix<float>> now_;
  double seconds_;
};

/// Weights that are programmed with verification: those whose mark is not 0 take what `device`
/// draws (its spread is the residual one), the others keep their one-shot error.
struct VerifiedWeights {
  std::shared_ptr<const devices::DeviceModel> device;  ///< null: none are verified
  ConstView<std::uint8_t> marks;                       ///< n_out x n_in
};

/// Programs the weights `u` in [-1, 1] (n_out x n_in) of one tile; `context` says where its element
/// (0, 0) lies.
Array program_array(std::shared_ptr<const devices::DeviceModel> device, const MappingRule& rule,
                    ConstView<float> u, const devices::ProgramContext& context,
                    Programming programming, double seconds, const VerifiedWeights& verified = {});

}  // namespace ohmic::sim
