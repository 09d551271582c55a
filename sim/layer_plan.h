#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/tile.h"

/// A layer mapped to tiles: what is the same on every chip.
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

/// Maps `weights` (n_out x n_in) and, where array.bias = "row", `bias` (n_out); the ADCs are ideal
/// until calibrated. A device that is a real chip gives its layer.
/// Throws ShapeError naming the layer.
LayerPlan plan_layer(std::string name, Index layer, const LayerHardware& hardware,
                     ConstView<float> weights, std::span<const float> bias, const Dac& dac);
/// Where tile number `tile` of a plan lies.
TilePlace place_of(const LayerPlan& plan, Index tile);
/// Whether what cells of this hardware hold depends on how a layer is cut into tiles: scales or
/// lines of a tile, or its spare columns.
bool cells_depend_on_tiles(const LayerHardware& hardware);

}  // namespace ohmic::sim
