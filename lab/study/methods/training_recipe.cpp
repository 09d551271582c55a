#include "lab/study/methods/training_recipe.h"

#include "io/digest.h"
#include "lab/experiment/identity.h"
#include "lab/study/cache.h"
#include "lab/study/methods/device_perturbation.h"
#include "lab/study/methods/penalty.h"
#include "lab/study/placement_file.h"
#include "nn/perturbation.h"

namespace ohmic::lab {
namespace {

/// In the folder: under a readable name, or the digest where it holds several.
std::filesystem::path file_in_folder(const TrainingSetting& s, const std::string& label,
                                     const std::string& digest) {
  if (s.names_by_digest) return s.folder / (digest + ".h5");
  return s.folder / (label == "plain" ? "training.h5" : "training-" + label + ".h5");
}

/// In the cache under the digest, where a training of `network` can be written; else in the folder.
KeptTraining place_of(const TrainingSetting& s, const std::string& label, const std::string& digest,
                      const nn::Network& network) {
  KeptTraining kept{.file = file_in_folder(s, label, digest), .cached = {}, .note = {}};
  if (!s.use_cache) return kept;
  std::filesystem::path cache;
  try {
    cache = cache_folder();
  } catch (const FileError& error) {
    kept.note = error.what();
    return kept;
  }
  const std::filesystem::path file = cache / (digest + ".h5");
  std::error_code unknown;
  const bool is_there = std::filesystem::exists(file, unknown);
  if (s.shares_folder && !is_there) return kept;
  // Weights and two moments of the optimiser, and what stands around them.
  const std::int64_t bytes = 12 * network.parameter_count() + (std::int64_t{1} << 16);
  if (const std::string why = why_unwritable(cache, bytes); !why.empty()) {
    if (is_there) kept.cached = file;
    kept.note = cache.string() + ": the cache of trained networks " + why;
    return kept;
  }
  kept.file = file;
  return kept;
}

/// Whether `file` holds the end of the training, whole.
bool is_trained(const std::filesystem::path& file, std::int64_t epochs) {
  try {
    std::error_code unknown;
    return std::filesystem::exists(file, unknown) &&
           nn::load_checkpoint(file).state.epoch >= epochs;
  } catch (const FileError&) {
    return false;
  }
}

std::string label_of(const MethodSet& m) {
  std::string label;
  for (const std::string& part : trained_parts(m))
    if (part != "compensation") label += (label.empty() ? "" : "+") + part;
  return label.empty() ? "plain" : label;
}

}  // namespace

std::unique_ptr<WeightPerturbation> make_perturbation(const Experiment& e,
                                                      const nn::Network& network, double sigma,
                                                      bool from_device) {
  if (from_device) return std::make_unique<DevicePerturbation>(e, network);
  return std::make_unique<nn::LogNormalPerturbation>(sigma);
}

nn::TrainedNetwork train_base(const TrainingSetting& s, const MethodSet& m, NetworkOrigin& origin) {
  const Experiment& e = s.experiment;
  const nn::Network network = described_network(e, s.data.shape(), s.data.classes());
  if (!e.network.file.empty() || !e.network.weights.empty()) {
    ensure(!m.penalty && !m.injection && !m.sam && !m.distillation,
           "a method that trains the base network was given a trained one");
    if (e.network.file.empty()) {
      origin.words = "weights from " + e.network.weights;
      origin.state = nn::initial_training_state(network, e.training);
      origin.state.parameters = nn::load_weights(from_config(e, e.network.weights), network);
      return {network, origin.state.parameters};
    }
    origin.words = "loaded from " + e.network.file;
    nn::TrainingState found = nn::load_checkpoint(from_config(e, e.network.file)).state;
    origin.course = found.course;
    for (const Index layer : network.mac_layers()) origin.layers.push_back(network.name(layer));
    origin.state = found;
    return {network, std::move(found.parameters)};
  }
  nn::TrainingHooks hooks;
  if (m.penalty) add_penalty(s.options.penalty, network, hooks);
  std::unique_ptr<WeightPerturbation> perturbation;
  if (m.injection) {
    const InjectionOptions& o = s.options.injection;
    if (o.sigma_low >= 0 && !o.from_device)
      perturbation = std::make_unique<RangedPerturbation>(o.sigma_low, o.sigma);
    else
      perturbation = make_perturbation(s.experiment, network, o.sigma, o.from_device);
    hooks.rules.perturbation = perturbation.get();
  }
  if (m.sam) hooks.sharpness_radius = s.options.sam.radius;
  nn::Distillation distillation;
  std::optional<nn::TrainedNetwork> teacher;
  if (m.distillation) {
    NetworkOrigin of_teacher;
    teacher = train_base(s, parse_method("plain"), of_teacher);
    distillation = {.teacher = {&teacher->network, &teacher->parameters},
                    .temperature = s.options.distillation.temperature,
                    .weight = s.options.distillation.weight};
    hooks.rules.distillation = &distillation;
  }
  const std::string name =
      base_training_digest(s.experiment, s.options, network, m, s.data.training_digest);
  nn::TrainingState state = train_cached(
      {.network = network,
       .data = s.data,
       .params = s.experiment.training,
       .label = label_of(m),
       .digest = name,
       .kept = place_of(s, label_of(m), name, network),
       .fresh = [&] { return nn::initial_training_state(network, s.experiment.training); },
       .needs_course = s.needs_course},
      std::move(hooks), s.console, origin);
  return {network, std::move(state.parameters)};
}

bool has_trained_base(const TrainingSetting& s, const MethodSet& m) {
  const Experiment& e = s.experiment;
  if (!e.network.file.empty() || !e.network.weights.empty()) return true;
  if (!s.use_cache && !s.names_by_digest) return false;
  const nn::Network network = described_network(e, s.data.shape(), s.data.classes());
  const std::string digest = base_training_digest(e, s.options, network, m, s.data.training_digest);
  if (s.use_cache) try {
      if (is_trained(cache_folder() / (digest + ".h5"), e.training.epochs)) return true;
    } catch (const FileError&) {  // no place for a cache
    }
  return s.names_by_digest && is_trained(file_in_folder(s, label_of(m), digest), e.training.epochs);
}

nn::Network compensated_network(const Experiment& e, const nn::Network& base,
                                const CompensationOptions& o) {
  const std::vector<nn::Placement> placements =
      o.placement.empty() ? placements_of(o) : read_placement(from_config(e, o.placement));
  const nn::Network network = nn::with_compensators(base, placements, o.style);
  const nn::Overhead overhead = nn::compensator_overhead(network);
  if (overhead.weights == 0)
    throw ConfigError(
        "no layer is named: give layers and ratios, or a placement found by "
        "`ohmic search`");
  const double share =
      static_cast<double>(overhead.weights) / static_cast<double>(base.parameter_count());
  if (share > o.overhead_limit)
    throw ConfigError(
        fmt::format("the compensators have {} weights, {:.2f} % of the network's, more "
                    "than overhead_limit = {}",
                    overhead.weights, 100 * share, shortest(o.overhead_limit)));
  return network;
}

nn::TrainedNetwork train_compensators(const TrainingSetting& s, const nn::TrainedNetwork& base,
                                      const CompensationOptions& o, NetworkOrigin& origin,
                                      const nn::ParameterMask& mask, const std::string& mask_name) {
  const nn::Network network = compensated_network(s.experiment, base.network, o);
  nn::TrainingParams training;
  training.epochs = o.epochs;
  training.batch = o.batch;
  training.learning_rate = o.learning_rate;
  training.seed = s.experiment.training.seed;

  std::string numbers;  // of the base network, whoever made it
  for (const auto& layer : base.parameters)
    for (const auto& p : layer)
      numbers.append(reinterpret_cast<const char*>(p.value.data()),
                     static_cast<std::size_t>(p.value.size()) * sizeof(float));
  const std::string name = compensator_training_digest(
      s.experiment, network, o, training, digest(numbers), mask_name, s.data.training_digest);

  const auto perturbation = make_perturbation(s.experiment, network, o.sigma, o.from_device);
  nn::TrainingHooks hooks;
  hooks.rules.perturbation = perturbation.get();
  hooks.rules.noise_purpose = Purpose::compensator_noise;
  hooks.rules.is_frozen = nn::frozen_but_compensators(network);
  hooks.rules.mask = mask;
  nn::FeatureMatching matching{
      .clean = {&base.network, &base.parameters}, .layers = {}, .weight = o.matching};
  if (o.matching > 0) {
    for (Index l = 0; l < network.layers(); ++l)
      for (Index k = 0; k < base.network.layers(); ++k)
        if (network.name(l) == base.network.name(k) + "_compensator")
          matching.layers.emplace_back(l, k);
    hooks.rules.matching = &matching;
  }
  nn::TrainingState state = train_cached(
      {.network = network,
       .data = s.data,
       .params = training,
       .label = "compensators",
       .digest = name,
       .kept = place_of(s, "compensators", name, network),
       .fresh =
           [&] {
             nn::TrainingState fresh = nn::initial_training_state(network, training);
             fresh.parameters = nn::transplanted(base.network, base.parameters, network,
                                                 static_cast<std::uint64_t>(training.seed));
             return fresh;
           },
       .needs_course = s.needs_course},
      std::move(hooks), s.console, origin);
  return {network, std::move(state.parameters)};
}

}  // namespace ohmic::lab
