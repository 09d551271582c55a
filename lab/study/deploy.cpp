#include "lab/study/deploy.h"

#include "lab/experiment/described_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "sim/calibration.h"

namespace ohmic::lab {

void put_fault_map(const Experiment& experiment, sim::LayerPlan& layer) {
  if (layer.hardware.faults.map.empty()) return;
  const auto file = from_config(experiment, layer.hardware.faults.map);
  layer.fault_map = devices::layer_faults(file, layer.hardware.faults, layer.name,
                                          layer.mapped.rows(), layer.mapped.columns());
}

namespace {

/// With what the layers read in calibration; null: ranges stay at 1.
HardwarePlan plan_layers(const Experiment& experiment, const nn::Network& network,
                         const nn::ParameterSet<float>& parameters, const CleanActivations* clean) {
  HardwarePlan plan;
  const auto hardware = layer_hardware(experiment, network);
  for (std::size_t k = 0; k < hardware.size(); ++k) {
    plan.layers.emplace_back();
    if (!hardware[k]) continue;
    const Index layer = network.mac_layers()[k];
    const auto kMostPositions = static_cast<Index>(address_range(Purpose::lumped_read, "patch"));
    const Index positions = network.mac(static_cast<Index>(k)).patch.positions();
    if (positions > kMostPositions && hardware[k]->device->uniform_read_sigma().value_or(1.0) > 0)
      throw ShapeError(fmt::format(
          "layer {}: {} output positions, more than the {} that read noise can tell apart; set "
          "device.read_noise = 0 for it, or leave it digital with an [[override]]",
          network.name(layer), positions, kMostPositions));
    const auto& own = parameters[static_cast<std::size_t>(layer)];
    const Matrix<float>* bias = nn::find(own, "bias");
    LayerActivations inputs;
    std::vector<PatchView> seen;
    if (clean) {
      inputs = clean->inputs(static_cast<Index>(k));
      seen = clean->patches(static_cast<Index>(k), inputs);
    }
    plan.layers.back() = sim::plan_layer(
        network.name(layer), static_cast<Index>(k), *hardware[k], *nn::find(own, "weight"),
        bias ? std::span<const float>(bias->data(), static_cast<std::size_t>(bias->size()))
             : std::span<const float>(),
        sim::calibrate_dac(hardware[k]->dac, seen));
    put_fault_map(experiment, *plan.layers.back());
    if (!seen.empty()) plan.layers.back()->adc = sim::calibrate_adc(*plan.layers.back(), seen);
  }
  return plan;
}

}  // namespace

HardwarePlan make_plan(const Experiment& experiment, const nn::Network& network,
                       const nn::ParameterSet<float>& parameters, const CleanActivations& clean) {
  return plan_layers(experiment, network, parameters, &clean);
}

HardwarePlan make_plan(const Experiment& experiment, const nn::Network& network,
                       const nn::ParameterSet<float>& parameters, const nn::Data& data) {
  return make_plan(experiment, network, parameters,
                   CleanActivations(network, parameters,
                                    data.train.first(experiment.evaluation.calibration_images),
                                    data.normalisation));
}

HardwarePlan sketch_plan(const Experiment& experiment, const nn::Network& network) {
  nn::TrainedNetwork untrained{network, nn::initial_parameters(network, 1)};
  if (experiment.network.fold_batch_norm)
    untrained = nn::fold_batch_norm(network, untrained.parameters);
  return plan_layers(experiment, untrained.network, untrained.parameters, nullptr);
}

ProgrammedLayers program_layers(const HardwarePlan& plan, const RandomStream& stream, Index chip,
                                Index programming, const sim::ChipOptions& options,
                                const CleanActivations* recalibration, const ChipKind& kind,
                                std::vector<sim::CellCounts>* counts) {
  ProgrammedLayers layers(plan.layers.size());
  if (counts) counts->assign(plan.layers.size(), {});
  const devices::ProgramContext context{
      .stream = &stream, .population = kind.population, .chip = chip, .programming = programming};
  for_each_block(static_cast<Index>(plan.layers.size()), [&](Index index) {
    const auto k = static_cast<std::size_t>(index);
    const auto& layer = plan.layers[k];
    if (!layer) return;
    sim::LayerPlan own = *layer;
    if (options.converters && own.hardware.adc.recalibrate_per_chip && recalibration) {
      const LayerActivations inputs = recalibration->inputs(index);
      own.adc = sim::calibrate_adc(own, recalibration->patches(index, inputs), context, options);
    }
    std::vector<sim::Crossbar> members;
    if (kind.cells)
      for (const sim::Crossbar& cells : (*kind.cells)[k]->members())
        members.emplace_back(own, cells, options);
    devices::ProgramContext at = context;
    for (at.replica = 0; !kind.cells && at.replica < kind.members; ++at.replica)
      members.emplace_back(own, at, options);
    if (counts)
      for (const sim::Crossbar& member : members) (*counts)[k].add(member.counts());
    layers[k] = std::make_shared<const sim::Ensemble>(std::move(members), kind.best);
  });
  return layers;
}

nn::Deployment deployment_of(const ProgrammedLayers& layers) {
  return {.macs = {layers.begin(), layers.end()}, .after = {}};
}

nn::Evaluation evaluate_chip(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                             const nn::ImageList& images, const nn::Normalisation& normalisation,
                             const nn::Deployment& deployment, const ReadContext& reader,
                             Index batch, Activity* activity) {
  std::vector<Activity> counts(static_cast<std::size_t>(block_count(images.size(), batch)));
  const nn::EvaluationOptions options{
      .batch = batch, .context_of = [&](Index block) {
        ReadContext context = reader;
        context.activity = activity ? &counts[static_cast<std::size_t>(block)] : nullptr;
        return context;
      }};
  const nn::Evaluation result =
      nn::evaluate(network, parameters, images, normalisation, &deployment, options);
  if (activity)
    for (const Activity& block : counts) activity->merge(block);
  return result;
}

}  // namespace ohmic::lab
