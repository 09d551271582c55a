#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "devices/device_model.h"
#include "devices/faults.h"
#include "sim/mapping.h"

namespace ohmic::sim {

/// How far programming goes: the error budget takes it apart.
enum class Programming {
  drawn,      ///< what the device model draws
  at_mean,    ///< every device at its model's mean
  at_target,  ///< no programming error
};

/// How many cells programming left at the bounds of what a device can hold.
struct CellCounts {
  std::int64_t cells = 0;
  std::int64_t above_g_max = 0;
  std::int64_t clipped_at_zero = 0;            ///< at 0 although the target is above it
  std::int64_t broken = 0;                     ///< stuck, or on a dead line
  std::vector<std::int64_t> with_pulses = {};  ///< cells that a verifying loop gave 0, 1, 2, ...
                                               ///< pulses; empty without one
  std::int64_t gave_up = 0;       ///< of those, beyond the tolerance at the pulse limit
  std::int64_t verified() const;  ///< cells that a verifying loop programmed
  std::int64_t within_tolerance() const { return verified() - gave_up; }
  std::int64_t pulses() const;  ///< in all
  void add(const CellCounts& other);
};

/// The broken cells of an array.
struct BrokenCells {
  devices::FaultParams params;
  std::vector<Matrix<std::uint8_t>> faults;  ///< numbers of devices::Fault, one plane per polarity;
                                             ///< empty: all cells work
  /// Puts what the broken cells of one polarity conduct [S] into `g`, n_out x n_in.
  void put(std::size_t polarity, const devices::DeviceModel& device, View<float> g) const;
};

/// The programmed cells of one tile, one plane per polarity, and their conductances at one time.
/// Immutable.
class Array {
 public:
  /// Ages `cells` (one per polarity) to `seconds` after programming. Cells that do not age (at
  /// their targets or means, for the error budget) keep `programmed`.
  Array(std::shared_ptr<const devices::DeviceModel> device, std::vector<devices::Cells> cells,
        double seconds, bool ages = true, BrokenCells broken = {});
  /// The same cells at another time: a function of the programmed state alone.
  Array after_drift(double seconds) const { return {device_, cells_, seconds, ages_, broken_}; }

  std::size_t polarities() const { return cells_.size(); }
  const devices::Cells& cells(std::size_t polarity) const { return cells_[polarity]; }
  /// Conductances [S], n_out x n_in.
  ConstView<float> conductance(std::size_t polarity) const {
    return now_[polarity].empty() ? cells_[polarity].programmed : now_[polarity];
  }
  CellCounts counts() const;
  /// Deviation [S] of one read of each cell.
  Matrix<float> read_sigma(std::size_t polarity) const;
  const devices::DeviceModel& device() const { return *device_; }
  double seconds() const { return seconds_; }
  const BrokenCells& broken() const { return broken_; }
  /// The conductances [S] of one polarity that one read sees: `out` as conductance(), n_out x n_in.
  /// Of a device that has cell_reads().
  void cell_read(const devices::CellRead& read, devices::CellMemory& memory, View<float> out) const;

 private:
  std::shared_ptr<const devices::DeviceModel> device_;
  std::vector<devices::Cells> cells_;
  std::vector<Matrix<float>> now_;  ///< empty where cells are as they were programmed
  double seconds_;
  bool ages_;
  BrokenCells broken_;
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
                    Programming programming, double seconds, const VerifiedWeights& verified = {},
                    BrokenCells broken = {});

}  // namespace ohmic::sim
