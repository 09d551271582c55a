#include "lab/study/device_perturbation.h"

#include <algorithm>

#include "base/error.h"
#include "lab/experiment/described_network.h"

namespace ohmic::lab {
namespace {

devices::Population population_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::training_noise:
      return devices::Population::training;
    case Purpose::compensator_noise:
      return devices::Population::compensator;
    default:
      throw LogicError("a perturbation is drawn for training or compensators");
  }
}

}  // namespace

DevicePerturbation::DevicePerturbation(const Experiment& e, const nn::Network& network)
    : seconds_(e.time.at) {
  const auto hardware = layer_hardware(e, network);
  for (std::size_t k = 0; k < hardware.size(); ++k) {
    const Index l = network.mac_layers()[k];
    Layer layer{network.name(l), hardware[k], std::nullopt, false};
    if (layer.hardware) {
      sim::ArrayParams& array = layer.hardware->array;
      layer.has_bias_row =
          array.bias == sim::BiasPlace::row && network.structure(l).parameters.size() > 1;
      // One array in place of tiles where nothing depends on them: the draws are the same.
      if (!sim::cells_depend_on_tiles(*layer.hardware)) {
        array.rows = array.columns = 1 << 14;
        array.row_partition = {"equal", {}};
      }
      if (!layer.hardware->faults.map.empty()) {
        const nn::Mac& mac = network.mac(static_cast<Index>(k));
        layer.fault_map = devices::layer_faults(from_config(e, layer.hardware->faults.map),
                                                layer.hardware->faults, layer.name, mac.outputs,
                                                mac.patch.inputs() + (layer.has_bias_row ? 1 : 0));
      }
    }
    layers_.push_back(std::move(layer));
  }
}

void DevicePerturbation::draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
                              ConstView<float> w, View<float> w_tilde,
                              View<float> dw_tilde_dw) const {
  const Layer& layer = layers_[draw.layer];
  if (!layer.hardware) {
    for (Index r = 0; r < w.rows(); ++r) {
      std::copy_n(w.row(r), w.columns(), w_tilde.row(r));
      std::fill_n(dw_tilde_dw.row(r), w.columns(), 1.0f);
    }
    return;
  }
  // A row of cells for biases takes its place, whatever they hold.
  const std::vector<float> bias(layer.has_bias_row ? static_cast<std::size_t>(w.rows()) : 0);
  sim::LayerPlan plan =
      sim::plan_layer(layer.name, static_cast<Index>(draw.layer), *layer.hardware, w, bias, {});
  plan.fault_map = layer.fault_map;
  const std::vector<sim::Array> tiles =
      sim::program_tiles(plan,
                         {.stream = &stream,
                          .population = population_of(purpose),
                          .chip = static_cast<Index>(draw.step),
                          .programming = static_cast<Index>(draw.micro_batch)},
                         {.seconds = seconds_});
  const bool multiplies = plan.hardware.device->weights() != nullptr,
             adjusts = plan.hardware.faults.adjusts_pairs;
  for (std::size_t t = 0; t < tiles.size(); ++t) {
    const sim::Array& cells = tiles[t];
    const sim::TilePlace place = sim::place_of(plan, static_cast<Index>(t));
    const bool pairs = cells.polarities() == 2;
    for (Index r = 0; r < place.columns.size(); ++r)
      for (Index c = 0; c < place.rows.size(); ++c) {
        const Index row = place.columns.begin + r, column = place.rows.begin + c;
        if (column >= w.columns()) continue;  // the bias row
        const double scale = plan.tiling.scale(place.row_tile, row);
        w_tilde(row, column) = static_cast<float>(
            scale * plan.rule.weight(
                        {cells.conductance(0)(r, c), pairs ? cells.conductance(1)(r, c) : 0.0}));
        int broken = 0;
        for (const Matrix<std::uint8_t>& faults : cells.broken().faults)
          broken += faults(r, c) != 0;
        float& slope = dw_tilde_dw(row, column);
        if (broken > 0) {
          slope = adjusts && pairs && broken == 1 ? 1.0f : 0.0f;
          continue;
        }
        // The factor is that of the weight the levels stand for; a weight of 0 keeps slope 1.
        const double clean = scale * plan.rule.weight(plan.rule.target(plan.mapped(row, column)));
        slope = multiplies && clean != 0 ? static_cast<float>(w_tilde(row, column) / clean) : 1.0f;
      }
  }
}

}  // namespace ohmic::lab
