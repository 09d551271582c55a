#include "sim/layer_plan.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace ohmic::sim {
namespace {

/// Throws ShapeError where random addresses cannot tell apart all that the layer has.
void check_addresses(const LayerPlan& plan) {
  const Matrix<float>& u = plan.mapped;
  const ArrayParams& array = plan.hardware.array;
  const devices::DeviceModel& device = *plan.hardware.device;
  const auto range = [](Purpose purpose, std::string_view field) {
    return static_cast<Index>(address_range(purpose, field));
  };
  const Index row_tiles = static_cast<Index>(plan.tiling.rows.size()),
              most_row_tiles = range(Purpose::lumped_read, "row_tile");
  const bool is_noisy = device.uniform_read_sigma().value_or(1.0) > 0;
  if (row_tiles > most_row_tiles && is_noisy)
    throw ShapeError("layer " + plan.name + ": array.rows = " + std::to_string(array.rows) +
                     " cuts its " + std::to_string(u.columns()) + " inputs into " +
                     std::to_string(row_tiles) + " tiles, more than the " +
                     std::to_string(most_row_tiles) + " that read noise can tell apart");
  const auto refuse = [&](const std::string& what, Index found, Index most) {
    throw ShapeError("layer " + plan.name + ": " + std::to_string(found) + " " + what +
                     ", more than the " + std::to_string(most) +
                     " that random addresses can tell apart");
  };
  const auto at_most = [&](Index found, Index most, const std::string& what) {
    if (found > most) refuse(what, found, most);
  };
  const auto elements = [](Purpose purpose) {
    return static_cast<Index>(address_elements(purpose));
  };
  at_most(plan.layer, range(Purpose::cycle, "layer") - 1, "layers before it");
  at_most(u.rows(), range(Purpose::cycle, "row"), "outputs");
  at_most(u.columns(), elements(Purpose::cycle), "inputs");
  if (is_noisy)
    at_most(u.rows() * (array.subtraction == Subtraction::digital ? 2 : 1),
            elements(Purpose::lumped_read), "read columns with noise");
  if (device.cell_reads()) {
    at_most(u.rows(), range(Purpose::cell_state, "row"), "outputs that are read cell by cell");
    at_most(u.columns(), elements(Purpose::cell_state) / 2, "inputs that are read cell by cell");
  }
}

/// Divides the weights by the scale of their tile and clips what lies beyond it.
void scale_to_tiles(LayerPlan& plan) {
  Matrix<float>& u = plan.mapped;
  for (std::size_t t = 0; t < plan.tiling.rows.size(); ++t)
    for (Index o = 0; o < u.rows(); ++o) {
      const double scale = plan.tiling.scale(static_cast<Index>(t), o);
      for (Index r = plan.tiling.rows[t].begin; r < plan.tiling.rows[t].end; ++r) {
        const double relative = scale > 0 ? u(o, r) / scale : 0.0;
        if (std::fabs(relative) > 1) ++plan.clipped_weights;
        u(o, r) = static_cast<float>(std::clamp(relative, -1.0, 1.0));
      }
    }
}

}  // namespace

LayerPlan plan_layer(std::string name, Index layer, const LayerHardware& hardware,
                     ConstView<float> weights, std::span<const float> bias, const Dac& dac) {
  const bool bias_row = hardware.array.bias == BiasPlace::row && !bias.empty();
  const auto& device = *hardware.device;
  LayerPlan plan{
      .name = std::move(name),
      .layer = layer,
      .hardware = hardware,
      .rule = MappingRule(hardware.array.mapping, device.g_min(), device.g_max(), device.levels()),
      .mapped = Matrix<float>(weights.rows(), weights.columns() + (bias_row ? 1 : 0)),
      .tiling = {},
      .dac = dac,
      .adc = {},
      .bias_row = bias_row,
      .verified_device = nullptr,
      .verified = {},
      .fault_map = {}};
  Matrix<float>& u = plan.mapped;
  for (Index o = 0; o < u.rows(); ++o) {
    std::copy_n(weights.row(o), weights.columns(), u.row(o));
    // The extra row is driven at full scale.
    if (bias_row)
      u(o, weights.columns()) = static_cast<float>(bias[static_cast<std::size_t>(o)] / dac.limit);
  }
  const Index polarities = hardware.array.mapping == Mapping::offset ? 1 : 2;
  plan.hardware.device =
      devices::of_layer(hardware.device, plan.name, polarities, u.rows(), u.columns());
  plan.tiling = make_tiling(hardware.array, u, plan.name);
  check_addresses(plan);
  scale_to_tiles(plan);
  plan.adc.assign(plan.tiles(), Quantiser());
  return plan;
}

bool cells_depend_on_tiles(const LayerHardware& hardware) {
  const devices::FaultParams& faults = hardware.faults;
  return hardware.array.scale != ScaleOf::layer || faults.dead_rows > 0 ||
         faults.dead_columns > 0 || (faults.is_active() && faults.spare_columns > 0);
}

TilePlace place_of(const LayerPlan& plan, Index tile) {
  const auto column_tiles = static_cast<Index>(plan.tiling.columns.size());
  TilePlace place{.layer = plan.layer,
                  .row_tile = tile / column_tiles,
                  .column_tile = tile % column_tiles,
                  .index = tile};
  place.rows = plan.tiling.rows[static_cast<std::size_t>(place.row_tile)];
  place.columns = plan.tiling.columns[static_cast<std::size_t>(place.column_tile)];
  return place;
}

}  // namespace ohmic::sim
