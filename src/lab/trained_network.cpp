#include "lab/trained_network.h"

#include "base/digest.h"
#include "base/kernels.h"
#include "base/progress.h"
#include "lab/cache.h"
#include "lab/interrupt.h"
#include "nn/checkpoint.h"

namespace ohmic::lab {
namespace {

std::filesystem::path from_config(const Experiment& e, const std::string& file) {
  const std::filesystem::path path(file);
  return path.is_absolute() ? path : e.folder / path;
}

}  // namespace

nn::Network described_network(const Experiment& e, const nn::Shape& shape, Index classes) {
  if (e.network.file.empty()) {
    nn::Network built = nn::build_network(e.network, shape, classes);
    if (!e.network.weights.empty()) nn::load_weights(from_config(e, e.network.weights), built);
    return built;
  }
  const std::filesystem::path file = from_config(e, e.network.file);
  const nn::Network network = nn::load_checkpoint(file).network;
  const std::string given = fmt::format("{} x {} x {}", shape.channels, shape.height, shape.width);
  const nn::Shape wanted = network.input();
  if (!(wanted == shape))
    throw ShapeError(fmt::format(
        "{}: the network reads images of {} x {} x {}, data.set = \"{}\" has {}", file.string(),
        wanted.channels, wanted.height, wanted.width, e.data.set, given));
  if (network.output().features() != classes)
    throw ShapeError(fmt::format("{}: the network has {} outputs, data.set = \"{}\" has {} classes",
                                 file.string(), network.output().features(), e.data.set, classes));
  if (!e.network.model.empty() || !e.network.layers.empty())  // named as well: both must agree
    nn::load_checkpoint(file, nn::build_network(e.network, shape, classes));
  return network;
}

std::string training_digest(const Experiment& e, const nn::Network& network, const nn::Data& data) {
  // v3 and v4 fuse alike and agree to the last bit; others have bits of their own.
  const std::string_view level = kernels().level;
  const std::string arithmetic = level == "v3" || level == "v4" ? "fused" : std::string(level);
  nn::TrainingParams training = e.training;
  training.checkpoint_every_epochs = 1;
  return digest(fmt::format("{}\n{}\n{}\n{}\n{}\nrng {}", data.digest, nn::to_toml(network.spec()),
                            to_toml(write_fields(training)), e.run.method, arithmetic,
                            kRngVersion));
}

nn::TrainedNetwork obtain_network(const Experiment& e, const nn::Data& data,
                                  const NetworkOptions& options, const Console& console,
                                  NetworkOrigin& origin) {
  const nn::Network network = described_network(e, data.shape(), data.classes());
  const auto finished = [&](nn::ParameterSet<float> parameters) {
    return e.network.fold_batch_norm ? nn::fold_batch_norm(network, parameters)
                                     : nn::TrainedNetwork{network, std::move(parameters)};
  };
  if (!e.network.file.empty()) {
    origin.words = "loaded from " + e.network.file;
    nn::TrainingState found = nn::load_checkpoint(from_config(e, e.network.file)).state;
    origin.course = std::move(found.course);
    return finished(std::move(found.parameters));
  }
  if (!e.network.weights.empty()) {
    origin.words = "weights from " + e.network.weights;
    return finished(nn::load_weights(from_config(e, e.network.weights), network));
  }
  const std::string name = training_digest(e, network, data);
  const std::filesystem::path file =
      options.use_cache ? cache_folder() / (name + ".h5") : options.checkpoint;
  nn::TrainingState state = nn::initial_training_state(network, e.training);
  Index resumed_from = 0;
  if (!file.empty() && std::filesystem::exists(file)) {
    nn::Checkpoint found = nn::load_checkpoint(file, network);
    if (found.digest == name) {
      state = std::move(found.state);
      resumed_from = state.epoch;
      if (state.epoch >= e.training.epochs) {
        origin.words = options.use_cache ? "from the cache" : "from " + file.string();
        origin.course = std::move(state.course);
        return finished(std::move(state.parameters));
      }
      console.say("resuming the training after epoch {} of {}\n", state.epoch, e.training.epochs);
    }
  }
  if (!file.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(file.parent_path(), failed);
    if (failed)
      throw FileError(file.parent_path().string() + ": cannot be made: " + failed.message());
  }
  const auto start = std::chrono::steady_clock::now();
  nn::TrainingHooks hooks;
  hooks.checkpoint = file;
  hooks.digest = name;
  hooks.quiet = console.quiet;
  hooks.stop_requested = interrupted;
  std::vector<double> rates;
  hooks.on_epoch = [&](const nn::EpochReport& r) {
    rates.push_back(r.images_per_second);
    console.say("epoch {:3} of {}: loss {:.4f}, training accuracy {} %{}, {} images/s\n", r.epoch,
                r.epochs, r.loss, per_cent(r.train_accuracy),
                r.validation_accuracy == r.validation_accuracy
                    ? ", validation " + per_cent(r.validation_accuracy) + " %"
                    : "",
                grouped(static_cast<std::int64_t>(r.images_per_second)));
  };
  state = nn::train(network, data, e.training, std::move(state), hooks);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double rate = 0;
  for (const double r : rates) rate += r / static_cast<double>(rates.size());
  origin.course = state.course;
  origin.images_per_second = rate;
  origin.words =
      fmt::format("trained {} epochs in {} ({} images/s)", e.training.epochs - resumed_from,
                  human_time(seconds), grouped(static_cast<std::int64_t>(rate)));
  return finished(std::move(state.parameters));
}

}  // namespace ohmic::lab
