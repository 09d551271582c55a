#include "lab/experiment/described_network.h"

#include <fmt/format.h>

#include "nn/checkpoint.h"

namespace ohmic::lab {
namespace {

/// The network of [network]; an error of one of its keys stands where the key was written.
nn::Network built_network(const Experiment& e, const nn::Shape& shape, Index classes) {
  try {
    return nn::build_network(e.network, shape, classes);
  } catch (const ConfigError& error) {
    if (error.parts().key.empty() || !error.parts().place.empty()) throw;
    fail_key(e, error.parts().key, error.parts().message);
  }
}

}  // namespace

std::filesystem::path from_config(const Experiment& e, const std::string& file) {
  const std::filesystem::path path(file);
  return path.is_absolute() ? path : e.folder / path;
}

nn::Network described_network(const Experiment& e, const nn::Shape& shape, Index classes) {
  if (e.network.file.empty()) {
    nn::Network built = built_network(e, shape, classes);
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
    nn::load_checkpoint(file, built_network(e, shape, classes));
  return network;
}

}  // namespace ohmic::lab
