#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/linear_operator.h"
#include "sim/tile.h"

namespace ohmic::sim {

/// The hardware that a layer runs on.
struct LayerHardware {
  ArrayParams array;
  DacParams dac;
  AdcParams adc;
  std::shared_ptr<const devices::DeviceModel> device;
  devices::FaultParams faults;
  std::shared_ptr<const LookupTable> lookup_table;  ///< null: device and converters are modelled
};

/// A layer as it will be programmed on every chip: mapped weights, tiles and calibrated converters.
struct LayerPlan {
  std::string name;
  Index layer = 0;  ///< its number among the MAC layers: part of every random address
  LayerHardware hardware;
  MappingRule rule;
  Matrix<float> mapped;  ///< u, n_out x (n_in + bias row)
  Tiling tiling;
  Dac dac;
  std::vector<Quantiser> adc;  ///< one per tile, row tile by row tile
  bool bias_row = false;
  std::shared_ptr<const devices::DeviceModel> verified_device;  ///< of marked weights; null: none
  Matrix<std::uint8_t> verified;                                ///< marks, as `mapped`
  std::optional<devices::LayerFaults> fault_map;  ///< the user's own, planes as `mapped`
  std::int64_t clipped_weights = 0;  ///< beyond the full-scale weight (scale_percentile < 1)

  std::size_t tiles() const { return tiling.rows.size() * tiling.columns.size(); }
  /// The voltage [V] that one DAC code drives.
  double lsb_voltage() const { return hardware.array.read_voltage * dac.lsb_fraction(); }
};

/// Which parts of the hardware are switched on.
struct ChipOptions {
  Programming programming = Programming::drawn;
  bool read_noise = true;
  bool converters = true;
  bool faults = true;
  double seconds = 0;  ///< after programming
};

/// Maps `weights` (n_out x n_in) and, where array.bias = "row", `bias` (n_out); the ADCs are ideal
/// until calibrated. A device that is a real chip gives its layer.
/// Throws ShapeError naming the layer.
LayerPlan plan_layer(std::string name, Index layer, const LayerHardware& hardware,
                     ConstView<float> weights, std::span<const float> bias, const Dac& dac);
/// The DAC for the inputs that a layer sees in calibration.
Dac calibrate_dac(const DacParams& params, std::span<const PatchView> inputs);
/// The ADCs of a plan for the currents that these inputs cause in the cells of one chip (by default
/// in ideal ones, without read noise): pooled over a layer's tiles, or tile by tile.
std::vector<Quantiser> calibrate_adc(const LayerPlan& plan, std::span<const PatchView> inputs,
                                     const devices::ProgramContext& chip = {},
                                     ChipOptions options = {.programming = Programming::at_target,
                                                            .faults = false});

/// Where tile number `tile` of a plan lies.
TilePlace place_of(const LayerPlan& plan, Index tile);
/// The programmed cells of one chip, an array per tile, row tile by row tile. `context` says which
/// chip; its layer and coordinates are set here.
std::vector<Array> program_tiles(const LayerPlan& plan, devices::ProgramContext context,
                                 const ChipOptions& options);
/// Whether what cells of this hardware hold depends on how a layer is cut into tiles: scales or
/// lines of a tile, or its spare columns.
bool cells_depend_on_tiles(const LayerHardware& hardware);

/// The product of one layer on one programmed chip: DACs, tiles, and the digital sum of their
/// partial sums in tile order.
class Crossbar final : public LinearOperator {
 public:
  /// `context` says which chip; its layer and coordinates are set here.
  Crossbar(const LayerPlan& plan, devices::ProgramContext context, const ChipOptions& options);
  /// The programmed cells of `cells`, made for a plan that differs in its converters only, read as
  /// `plan` and `options` say. Nothing is drawn.
  Crossbar(const LayerPlan& plan, const Crossbar& cells, const ChipOptions& options);

  Index inputs() const override { return inputs_; }
  Index outputs() const override { return outputs_; }
  bool adds_bias() const override { return bias_row_; }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override;

  /// The same cells and converters `seconds` after programming.
  Crossbar after_drift(double seconds) const;

  const std::vector<Tile>& tiles() const { return tiles_; }
  CellCounts counts() const;
  const Dac& dac() const { return dac_; }
  Index layer() const { return layer_; }

 private:
  Crossbar(const LayerPlan& plan, const ChipOptions& options);
  void apply_block(const PatchView& x, const ReadContext& context, const OutputView& y) const;

  std::string name_;
  Index layer_, inputs_, outputs_;
  bool bias_row_;
  Dac dac_;
  std::vector<Tile> tiles_;  ///< row tile by row tile
  bool needs_squares_ = false;
};

}  // namespace ohmic::sim
