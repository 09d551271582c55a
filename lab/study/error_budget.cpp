#include "lab/study/error_budget.h"

#include <algorithm>
#include <limits>

#include "base/elementary.h"
#include "base/parallel.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {

std::vector<BudgetLine> budget_lines(const BudgetParts& parts) {
  using sim::Programming;
  const sim::ChipOptions none{.programming = Programming::at_target,
                              .read_noise = false,
                              .converters = false,
                              .faults = false,
                              .seconds = parts.seconds};
  std::vector<BudgetLine> lines{
      {.key = "float", .label = "float network", .options = {}, .accuracy = {}, .is_float = true}};
  const auto add = [&](const char* key, const char* label, bool differs_by_chip, auto change) {
    lines.push_back({.key = key,
                     .label = label,
                     .options = none,
                     .accuracy = {},
                     .differs_by_chip = differs_by_chip});
    change(lines.back().options);
  };
  using Options = sim::ChipOptions;
  lines.front().differs_by_chip = false;
  add("mapping", "mapping and levels only", false, [](Options&) {});
  add("converters", "converters only", false, [](Options& o) { o.converters = true; });
  add("programming", "programming only", true, [](Options& o) {
    o.programming = Programming::drawn;
    o.seconds = 0;
  });
  if (parts.seconds > 0)
    add("drift", "programming and drift", true,
        [](Options& o) { o.programming = Programming::drawn; });
  add("mean_shift", "mean shift alone", false,
      [](Options& o) { o.programming = Programming::at_mean; });
  if (parts.faults) add("faults", "faults only", true, [](Options& o) { o.faults = true; });
  add("read_noise", "read noise only", parts.read_noise, [](Options& o) { o.read_noise = true; });
  add("all", "all together", true, [&](Options& o) { o = {.seconds = parts.seconds}; });
  return lines;
}

BudgetCost cost_of(const std::vector<BudgetLine>& budget, std::size_t number, Index images,
                   const RandomStream& stream) {
  const BudgetLine &line = budget[number], &float_line = budget.front();
  std::vector<double> cost;
  for (std::size_t chip = 0; chip < line.accuracy.size(); ++chip)
    cost.push_back(line.accuracy[chip] - float_line.accuracy[chip]);
  BudgetCost out{.mean = mean_of(cost), .interval = kUnknownInterval};
  if (line.differs_by_chip)
    out.interval = mean_interval(cost, stream, kBudgetIntervals + number);
  else if (line.gained && line.lost && images > 0)
    out.interval = paired_interval(*line.gained, *line.lost, images);
  return out;
}

const char* sampled_by(const BudgetLine& line) { return line.differs_by_chip ? "chips" : "images"; }

namespace {

constexpr double kExact = std::numeric_limits<double>::infinity();

struct Power {
  double signal = 0, error = 0;
  void add(const float* clean, const float* noisy, Index samples) {
    for (Index s = 0; s < samples; ++s) {
      const double difference = static_cast<double>(noisy[s]) - clean[s];
      signal += static_cast<double>(clean[s]) * clean[s];
      error += difference * difference;
    }
  }
  double decibel() const {
    if (signal == 0) return error == 0 ? kExact : -kExact;
    return error == 0 ? kExact : 10 / elementary::log(10.0) * elementary::log(signal / error);
  }
};

/// What MAC layer `mac` on hardware makes of exact inputs, as the network's next layer would see
/// it.
void multiply_alone(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                    const nn::Deployment& deployment, Index mac, Index samples,
                    const nn::Workspace<float>& ideal, const ReadContext& context,
                    AlignedVector<float>& alone) {
  const auto k = static_cast<std::size_t>(mac);
  const Index layer = network.mac_layers()[k];
  const PatchView x = nn::patch_view(network, ideal, mac, samples);
  const Index positions = x.positions(), features = network.shape(layer).features();
  alone.assign(static_cast<std::size_t>(features * kLanes), 0.0f);
  deployment.macs[k]->apply(x, context, {alone.data(), 1, positions * kLanes, kLanes});
  const Matrix<float>* bias = nn::find(parameters[static_cast<std::size_t>(layer)], "bias");
  if (bias && !deployment.macs[k]->adds_bias())
    for (Index f = 0; f < features; ++f)
      for (Index s = 0; s < samples; ++s)
        alone[static_cast<std::size_t>(f * kLanes + s)] += bias->data()[f / positions];
  if (!deployment.after.empty() && deployment.after[k])
    deployment.after[k]->apply(x.data, alone.data());
}

}  // namespace

LayerErrors layer_errors(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                         const CleanActivations& clean, const nn::Deployment& deployment,
                         const ReadContext& reader) {
  const std::size_t layers = network.mac_layers().size();
  std::vector<std::vector<Power>> accumulated(static_cast<std::size_t>(clean.blocks()),
                                              std::vector<Power>(layers));
  auto isolated = accumulated;
  for_each_block(clean.blocks(), [&](Index block) {
    const auto b = static_cast<std::size_t>(block);
    const Index samples = clean.samples(block);
    ReadContext context = reader;
    context.first_sample = block * kLanes;
    // Both passes go on side by side, so that neither keeps more than what its next layers read.
    nn::Workspace<float> workspace(network, nn::Kept::live), ideal(network, nn::Kept::live);
    Index done = 0;
    AlignedVector<float> alone;
    const auto compare = [&](Index mac) {
      const auto k = static_cast<std::size_t>(mac);
      const Index layer = network.mac_layers()[k];
      clean.compute(block, done, layer, ideal);
      const bool is_deployed = deployment.macs[k] != nullptr;
      if (is_deployed)
        multiply_alone(network, parameters, deployment, mac, samples, ideal, context, alone);
      clean.compute(block, layer, layer + 1, ideal);
      done = layer + 1;
      const ConstView<float> exact = ideal.output(layer), noisy = workspace.output(layer);
      for (Index f = 0; f < exact.rows(); ++f) {
        accumulated[b][k].add(exact.row(f), noisy.row(f), samples);
        if (is_deployed) isolated[b][k].add(exact.row(f), alone.data() + f * kLanes, samples);
      }
    };
    const ConstView<float> image = clean.image(block);
    std::copy_n(image.data(), image.size(), workspace.input().data());
    nn::forward(network, parameters, workspace, {.samples = samples}, deployment, context, compare);
  });
  LayerErrors errors;
  for (std::size_t k = 0; k < layers; ++k) {
    Power all, alone;
    for (std::size_t b = 0; b < accumulated.size(); ++b) {
      all.signal += accumulated[b][k].signal;
      all.error += accumulated[b][k].error;
      alone.signal += isolated[b][k].signal;
      alone.error += isolated[b][k].error;
    }
    errors.accumulated_db.push_back(all.decibel());
    errors.isolated_db.push_back(deployment.macs[k] ? alone.decibel()
                                                    : std::numeric_limits<double>::quiet_NaN());
  }
  return errors;
}

}  // namespace ohmic::lab
