#include "lab/methods/compensation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/methods/placement_file.h"
#include "lab/methods/variation.h"
#include "nn/perturbation.h"

namespace ohmic::lab {
namespace {

constexpr Index kFirstCompensator = 512;  // layer numbers of compensators' own cells

/// Compensators that do not compute with exact digital weights: rounded to `bits`, or held by cells
/// of the chip's device (read back, one draw per chip).
void house_compensators(const CompensationOptions& o, const CellAid& aid, Chip& chip) {
  if (o.storage == CompensatorStorage::digital) return;
  const devices::DeviceModel& device = *aid.hardware.device;
  const sim::MappingRule rule(aid.hardware.array.mapping, device.g_min(), device.g_max(),
                              device.levels());
  devices::ProgramContext context = aid.context;
  context.layer = kFirstCompensator;
  for (Index l = 0; l < chip.network.layers(); ++l) {
    if (!chip.network.structure(l).compensator) continue;
    for (const char* name : {"generator_weight", "weight"}) {
      Matrix<float>& w = *nn::find(chip.parameters[static_cast<std::size_t>(l)], name);
      const double scale = sim::weight_limit(w, 1.0);
      if (scale == 0) continue;
      Matrix<float> u(w.rows(), w.columns());
      for (Index i = 0; i < w.size(); ++i) u.data()[i] = static_cast<float>(w.data()[i] / scale);
      if (o.storage == CompensatorStorage::quantised) {
        const double steps = static_cast<double>((Index{1} << (o.bits - 1)) - 1);
        for (Index i = 0; i < w.size(); ++i)
          w.data()[i] = static_cast<float>(std::nearbyint(u.data()[i] * steps) / steps * scale);
        continue;
      }
      const sim::Array cells = sim::program_array(aid.hardware.device, rule, u, context,
                                                  aid.options.programming, aid.options.seconds);
      for (Index r = 0; r < w.rows(); ++r)
        for (Index c = 0; c < w.columns(); ++c)
          w(r, c) = static_cast<float>(
              rule.weight({cells.conductance(0)(r, c),
                           cells.polarities() == 2 ? cells.conductance(1)(r, c) : 0.0}) *
              scale);
      ++context.layer;
    }
  }
}

std::vector<nn::Placement> placements_of(const CompensationOptions& o) {
  std::vector<nn::Placement> placements;
  for (std::size_t i = 0; i < o.layers.size(); ++i)
    placements.push_back({o.layers[i], o.ratios[i]});
  return placements;
}

void check(const CompensationOptions& o, const std::string& path, const MethodNeeds& needs) {
  const std::string layers = path + ".layers";
  for (std::size_t i = 0; i < o.layers.size(); ++i)
    if (std::find(o.layers.begin(), o.layers.begin() + static_cast<Index>(i), o.layers[i]) !=
        o.layers.begin() + static_cast<Index>(i))
      throw ConfigError(
          {.message = fmt::format("{} has {} twice", layers, o.layers[i]), .key = layers});
  const std::string key = o.placement.empty() ? layers : path + ".placement";
  try {
    compensated_network(needs.network, o, needs.folder);
  } catch (const ConfigError& error) {
    throw ConfigError({.message = key + ": " + error.what(), .key = key});
  }
}

}  // namespace

void fields(FieldVisitor& f, CompensationOptions& p) {
  sigma_field(f, idle_with_device(p.from_device), p.sigma);
  const std::string_view placed = p.placement.empty() ? "" : "placement is given";
  f.field({.key = "layers",
           .meaning = "layers that get a compensator behind them: products, or any other",
           .idle = placed},
          p.layers);
  f.field({.key = "ratios",
           .meaning = "generated maps over output maps, one per layer",
           .low = 0,
           .high = 16,
           .idle = placed},
          p.ratios);
  f.field({.key = "placement",
           .meaning = "results of `ohmic search` to take layers and ratios from",
           .is_file = true},
          p.placement);
  f.field({.key = "generator",
           .meaning = "activation of the generated maps",
           .one_of = {"relu", "identity"}},
          p.style.generator);
  f.field({.key = "residual", .meaning = "add to the layer's output instead of mixing it"},
          p.style.is_residual);
  f.field({.key = "pooling",
           .meaning = "side of the squares of output pixels that share generated maps: 2 computes "
                      "them at a quarter of the positions",
           .unit = "pixels",
           .low = 1,
           .high = 64},
          p.style.pooling);
  f.field({.key = "epochs", .meaning = "epochs of compensator training", .low = 1, .high = 10000},
          p.epochs);
  f.field({.key = "batch", .meaning = "images per step", .low = 1, .high = 16384}, p.batch);
  f.field({.key = "learning_rate", .meaning = "Adam's, cosine to 0", .low = 0, .low_open = true},
          p.learning_rate);
  f.field({.key = "matching",
           .meaning = "weight of the squared distance from the clean features",
           .low = 0},
          p.matching);
  f.field({.key = "storage",
           .meaning = "where compensators compute",
           .read_by = {"run", "compare", "search", "sweep"}},
          p.storage, {"digital", "quantised", "rram"});
  f.field({.key = "bits",
           .meaning = "bits of quantised compensator weights",
           .low = 2,
           .high = 16,
           .idle = p.storage == CompensatorStorage::quantised ? "" : "storage is not \"quantised\"",
           .read_by = {"run", "compare", "search", "sweep"}},
          p.bits);
  f.field({.key = "overhead_limit",
           .meaning = "largest ratio of compensator weights to the network's",
           .unit = "fraction",
           .low = 0,
           .high = 10,
           .low_open = true,
           .read_by = {"search"},
           .refuses = true},
          p.overhead_limit);
  f.field({.key = "overhead_limit_macs",
           .meaning = "largest ratio of the compensators' multiply-accumulates to the network's",
           .unit = "fraction",
           .low = 0,
           .high = 1000,
           .low_open = true,
           .read_by = {"search"},
           .refuses = true},
          p.overhead_limit_macs);
  variation_field(f, p.from_device);
}

void check_options(const CompensationOptions& o, const ConfigNode& table, const std::string& path) {
  if (o.layers.size() == o.ratios.size()) return;
  const ConfigNode* ratios = table.find("ratios");
  fail_at(ratios ? ratios->origin : origin_of(table, "layers"),
          fmt::format("{}.layers names {} layers, {}.ratios has {} numbers", path, o.layers.size(),
                      path, o.ratios.size()),
          path + ".ratios");
}

Method compensation(const CompensationOptions& o, const std::string& path) {
  Method method{.kind = "compensation",
                .name = "compensation",
                .options = write_fields(o),
                .trains_for_cells = o.from_device,
                .draws_by_seed = true};
  method.check = [o, path](const MethodNeeds& needs) { check(o, path, needs); };
  method.further = [o](const nn::TrainedNetwork& base, const TrainingAid& aid) {
    return compensator_training(base, o, aid);
  };
  method.house = [o](const CellAid& aid, Chip& chip) { house_compensators(o, aid, chip); };
  method.cost = [](const HardwarePlan&, const Chip& chip, MethodCost& cost) {
    const nn::Overhead own = nn::compensator_overhead(chip.network);
    cost.digital.weights += own.weights;
    cost.digital.macs += own.macs;
  };
  return method;
}

MethodKind compensation_kind() {
  return method_kind("compensation", "digital compensators behind layers (CorrectNet's other half)",
                     compensation);
}

nn::Network compensated_network(const nn::Network& base, const CompensationOptions& o,
                                const std::filesystem::path& folder) {
  const std::vector<nn::Placement> placements =
      o.placement.empty() ? placements_of(o) : read_placement(folder / o.placement);
  const nn::Network network = nn::with_compensators(base, placements, o.style);
  const nn::Overhead overhead = nn::compensator_overhead(network);
  if (overhead.weights == 0)
    throw ConfigError(
        "no layer is named: give layers and ratios, or a placement found by "
        "`ohmic search`");
  const auto check = [&](const char* what, Index added, Index there, const char* key,
                         double limit) {
    const double fraction = static_cast<double>(added) / static_cast<double>(there);
    if (fraction > limit)
      throw ConfigError(
          fmt::format("the compensators have {} {}, {:.2f} % of the network's, more than {} = {}",
                      added, what, 100 * fraction, key, shortest(limit)));
  };
  check("weights", overhead.weights, base.parameter_count(), "overhead_limit", o.overhead_limit);
  check("multiply-accumulates per image", overhead.macs, base.macs(), "overhead_limit_macs",
        o.overhead_limit_macs);
  return network;
}

std::vector<std::string> placement_layers(const nn::Network& network) {
  std::vector<std::string> layers;
  for (Index l = 0; l < network.layers(); ++l) {
    const nn::LayerStructure& layer = network.structure(l);
    const auto positions = [](const nn::Shape& shape) { return shape.height * shape.width; };
    const bool pools = layer.parameters.empty() && layer.inputs.size() == 1 &&
                       layer.inputs[0].channels == layer.output.channels &&
                       positions(layer.output) < positions(layer.inputs[0]);
    if (layer.mac || pools) layers.push_back(network.name(l));
  }
  return layers;
}

FurtherTraining compensator_training(const nn::TrainedNetwork& base, const CompensationOptions& o,
                                     const TrainingAid& aid, const nn::ParameterMask& mask,
                                     const std::string& mask_name) {
  FurtherTraining out{.label = "compensators",
                      .network = compensated_network(base.network, o, aid.folder),
                      .params = {},
                      .training = {},
                      .fresh = {},
                      .words = shortest(o.matching) + "\n" + mask_name,
                      .variation = o.from_device ? "" : shortest(o.sigma),
                      .draws_cells = o.from_device};
  const nn::Network& network = out.network;
  out.params.epochs = o.epochs;
  out.params.batch = o.batch;
  out.params.learning_rate = o.learning_rate;
  out.params.seed = aid.seed;
  nn::StepRules& rules = out.training.hooks.rules;
  rules.perturbation = &out.training.keep(
      o.from_device ? aid.cell_variation(network)
                    : std::make_shared<const nn::LogNormalPerturbation>(o.sigma));
  rules.noise_purpose = Purpose::compensator_noise;
  rules.is_frozen = nn::frozen_but_compensators(network);
  rules.mask = mask;
  if (o.matching > 0) {
    nn::FeatureMatching matching{
        .clean = {&base.network, &base.parameters}, .layers = {}, .weight = o.matching};
    for (Index l = 0; l < network.layers(); ++l)
      for (Index k = 0; k < base.network.layers(); ++k)
        if (network.name(l) == base.network.name(k) + "_compensator")
          matching.layers.emplace_back(l, k);
    rules.matching =
        &out.training.keep(std::make_shared<const nn::FeatureMatching>(std::move(matching)));
  }
  out.fresh = [&base, network, params = out.params] {
    nn::TrainingState fresh = nn::initial_training_state(network, params);
    fresh.parameters = nn::transplanted(base.network, base.parameters, network,
                                        static_cast<std::uint64_t>(params.seed));
    return fresh;
  };
  return out;
}

}  // namespace ohmic::lab
