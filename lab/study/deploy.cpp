#include "lab/study/deploy.h"

#include "lab/experiment/described_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/parallel.h"

namespace ohmic::lab {

std::size_t HardwarePlan::tiles() const {
  std::size_t sum = 0;
  for (const auto& layer : layers) sum += layer ? layer->tiles() : 0;
  return sum;
}

std::int64_t HardwarePlan::cells() const {
  std::int64_t sum = 0;
  for (const auto& layer : layers)
    if (layer) sum += layer->mapped.size() * sim::columns_of(layer->hardware.array.mapping);
  return sum;
}

void put_fault_map(const Experiment& experiment, sim::LayerPlan& layer) {
  if (layer.hardware.faults.map.empty()) return;
  const auto file = from_config(experiment, layer.hardware.faults.map);
  layer.fault_map = devices::layer_faults(file, layer.hardware.faults, layer.name,
                                          layer.mapped.rows(), layer.mapped.columns());
}

CleanActivations::CleanActivations(const nn::Network& network,
                                   const nn::ParameterSet<float>& parameters,
                                   const nn::ImageList& images,
                                   const nn::Normalisation& normalisation)
    : network_(network), images_(images.size()) {
  const Index blocks = block_count(images.size(), kLanes);
  workspaces_.resize(static_cast<std::size_t>(blocks));
  samples_.resize(static_cast<std::size_t>(blocks));
  for_each_block(blocks, [&](Index block) {
    auto workspace = std::make_unique<nn::Workspace<float>>(network, false);
    std::vector<Index> positions(
        static_cast<std::size_t>(std::min(kLanes, images.size() - block * kLanes)));
    std::iota(positions.begin(), positions.end(), block * kLanes);
    std::vector<std::uint8_t> labels(positions.size());
    nn::fill_lanes(images, normalisation, positions, workspace->input(), labels);
    const nn::Pass pass{.samples = static_cast<Index>(positions.size())};
    nn::forward(network, parameters, *workspace, pass);
    samples_[static_cast<std::size_t>(block)] = pass.samples;
    workspaces_[static_cast<std::size_t>(block)] = std::move(workspace);
  });
}

std::vector<PatchView> CleanActivations::inputs(Index k) const {
  std::vector<PatchView> views;
  for (Index block = 0; block < blocks(); ++block)
    views.push_back(nn::patch_view(network_, workspace(block), k, samples(block)));
  return views;
}

namespace {

/// `inputs` gives what MAC layer k reads in calibration; empty: ranges stay at 1.
HardwarePlan plan_layers(const Experiment& experiment, const nn::Network& network,
                         const nn::ParameterSet<float>& parameters,
                         const std::function<std::vector<PatchView>(Index)>& inputs) {
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
    const auto seen = inputs(static_cast<Index>(k));
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
  return plan_layers(experiment, network, parameters, [&](Index k) { return clean.inputs(k); });
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
  return plan_layers(experiment, untrained.network, untrained.parameters,
                     [](Index) { return std::vector<PatchView>(); });
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
    if (options.converters && own.hardware.adc.recalibrate_per_chip && recalibration)
      own.adc = sim::calibrate_adc(own, recalibration->inputs(index), context, options);
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
