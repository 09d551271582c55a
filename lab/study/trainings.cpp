#include "lab/study/trainings.h"

#include <algorithm>

#include "io/digest.h"
#include "lab/experiment/identity.h"
#include "lab/study/cache.h"
#include "lab/study/device_perturbation.h"

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
  const std::int64_t bytes =
      4 * nn::kept_copies(s.experiment.training) * network.parameter_count() +
      (std::int64_t{1} << 16);  // what stands around them
  if (const std::string why = why_unwritable(cache, bytes); !why.empty()) {
    if (is_there) kept.cached = file;
    kept.note = cache.string() + ": the cache of trained networks " + why;
    return kept;
  }
  kept.file = file;
  return kept;
}

/// Whether `file` holds the end of the training, whole.
bool is_trained(const std::filesystem::path& file, const nn::TrainingParams& params) {
  try {
    std::error_code unknown;
    return std::filesystem::exists(file, unknown) &&
           nn::is_finished(nn::load_checkpoint(file).state, params);
  } catch (const FileError&) {
    return false;
  }
}

std::string label_of(const MethodSet& m) {
  std::string label;
  for (const Method& part : m.in_base_training()) label += (label.empty() ? "" : "+") + part.kind;
  return label.empty() ? "plain" : label;
}

nn::TrainedNetwork given_network(const TrainingSetting& s, const nn::Network& network,
                                 NetworkOrigin& origin) {
  const Experiment& e = s.experiment;
  nn::TrainingState found;
  if (e.network.file.empty()) {
    origin.words = "weights from " + e.network.weights;
    if (s.keeps_state) found = nn::initial_training_state(network, e.training);
    found.parameters = nn::load_weights(from_config(e, e.network.weights), network);
  } else {
    origin.words = "loaded from " + e.network.file;
    found = nn::load_checkpoint(from_config(e, e.network.file)).state;
    origin.course = found.course;
    for (const Index layer : network.mac_layers()) origin.layers.push_back(network.name(layer));
  }
  if (s.keeps_state) origin.state = found;
  return {network, std::move(found.parameters)};
}

}  // namespace

bool is_given(const Experiment& e) { return !e.network.file.empty() || !e.network.weights.empty(); }

bool trains_nothing(const Experiment& e, const MethodSet& methods) {
  return is_given(e) && std::none_of(methods.parts.begin(), methods.parts.end(),
                                     [](const Method& part) { return bool(part.further); });
}

TrainingAid training_aid(const TrainingSetting& s) {
  return {.seed = s.experiment.training.seed,
          .folder = s.experiment.folder,
          .plain_network =
              [&s] {
                NetworkOrigin origin;
                return std::make_shared<const nn::TrainedNetwork>(
                    train_base(s, s.experiment.methods.parse("plain"), origin));
              },
          .cell_variation =
              [&s](const nn::Network& network) {
                return std::make_shared<const DevicePerturbation>(s.experiment, network);
              }};
}

nn::TrainedNetwork train_base(const TrainingSetting& s, const MethodSet& m, NetworkOrigin& origin) {
  const Experiment& e = s.experiment;
  const nn::Network network = described_network(e, s.data.shape(), s.data.classes());
  if (is_given(e)) {
    ensure(m.in_base_training().empty(),
           "a method that trains the base network was given a trained one");
    return given_network(s, network, origin);
  }
  const TrainingAid aid = training_aid(s);
  MethodTraining training;
  for (const Method& method : m.in_base_training()) method.train(network, aid, training);
  const std::string name = base_training_digest(s.experiment, network, m, s.data.training_digest);
  nn::TrainingState state = train_cached(
      {.network = network,
       .data = s.data,
       .params = s.experiment.training,
       .label = label_of(m),
       .digest = name,
       .kept = place_of(s, label_of(m), name, network),
       .fresh = [&] { return nn::initial_training_state(network, s.experiment.training); },
       .needs_course = s.needs_course,
       .keeps_state = s.keeps_state},
      std::move(training.hooks), s.console, origin);
  return {network, std::move(state.parameters)};
}

bool has_trained_base(const TrainingSetting& s, const MethodSet& m) {
  const Experiment& e = s.experiment;
  if (is_given(e)) return true;
  if (!s.use_cache && !s.names_by_digest) return false;
  const nn::Network network = described_network(e, s.data.shape(), s.data.classes());
  const std::string digest = base_training_digest(e, network, m, s.data.training_digest);
  if (s.use_cache) try {
      if (is_trained(cache_folder() / (digest + ".h5"), e.training)) return true;
    } catch (const FileError&) {  // no place for a cache
    }
  return s.names_by_digest && is_trained(file_in_folder(s, label_of(m), digest), e.training);
}

nn::TrainedNetwork train_further(const TrainingSetting& s, const nn::TrainedNetwork& base,
                                 FurtherTraining further, NetworkOrigin& origin) {
  std::string numbers;  // of the base network, whoever made it
  for (const auto& layer : base.parameters)
    for (const auto& p : layer)
      numbers.append(reinterpret_cast<const char*>(p.value.data()),
                     static_cast<std::size_t>(p.value.size()) * sizeof(float));
  const std::string name =
      further_training_digest(s.experiment, further, digest(numbers), s.data.training_digest);
  nn::TrainingState state = train_cached({.network = further.network,
                                          .data = s.data,
                                          .params = further.params,
                                          .label = further.label,
                                          .digest = name,
                                          .kept = place_of(s, further.label, name, further.network),
                                          .fresh = further.fresh,
                                          .needs_course = s.needs_course,
                                          .keeps_state = s.keeps_state},
                                         std::move(further.training.hooks), s.console, origin);
  return {std::move(further.network), std::move(state.parameters)};
}

}  // namespace ohmic::lab
