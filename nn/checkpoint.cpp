#include "nn/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <new>
#include <stdexcept>

#include "io/array_file.h"
#include "io/h5.h"
#include "io/half.h"
#include "io/remark.h"

namespace ohmic::nn {
namespace {

using std::filesystem::path;

constexpr std::int64_t kCheckpointVersion = h5::kSealedCheckpoint;
constexpr std::int64_t kOldestCheckpoint = 1;  // Ohmic 0.1.0: the same without a seal

std::string words(const std::vector<Index>& shape) {
  std::string text;
  for (Index d : shape) text += (text.empty() ? "" : " x ") + std::to_string(d);
  return text.empty() ? "a single number" : text;
}

std::string group_of(const Network& network, Index layer, const std::string& root) {
  return root + "/" + std::to_string(layer) + "_" + network.name(layer) + "/";
}

void write_set(h5::Writer& file, const Network& network, const ParameterSet<float>& set,
               const std::string& root) {
  for (std::size_t l = 0; l < set.size(); ++l)
    for (std::size_t p = 0; p < set[l].size(); ++p) {
      const auto layer = static_cast<Index>(l);
      file.write(group_of(network, layer, root) + set[l][p].name,
                 network.structure(layer).parameters[p].array_shape(), set[l][p].value.data());
    }
}

/// Checks one array and copies it; `name` is what messages call it.
Matrix<float> checked(const path& file, const std::string& name, const h5::Array<float>& array,
                      const std::vector<Index>& expected, const ParameterSpec& spec) {
  if (array.shape != expected)
    throw ShapeError(file.string() + ": " + name + " is " + words(array.shape) + ", expected " +
                     words(expected));
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if (!std::isfinite(array.values[i]))
      throw FileError(file.string() + ": " + name + " holds " +
                      (std::isnan(array.values[i]) ? "NaN" : "infinity") + " at element " +
                      std::to_string(i));
  return Matrix<float>(ConstView<float>(array.values.data(), spec.rows, spec.columns));
}

/// Reads the arrays of every layer. What the network's text claims is compared with the shapes in
/// the file before anything is allocated for it.
ParameterSet<float> read_set(const h5::Reader& file, const Network& network,
                             const std::string& root) {
  ParameterSet<float> set(static_cast<std::size_t>(network.layers()));
  for (Index layer = 0; layer < network.layers(); ++layer)
    for (const ParameterSpec& spec : network.structure(layer).parameters) {
      const std::string name = group_of(network, layer, root) + spec.name;
      const std::vector<Index> claimed = spec.array_shape();
      if (const std::vector<Index> there = file.shape(name); there != claimed)
        throw FileError(file.file().string() + ": " + name + " is " + words(there) +
                        ", but the network in the file claims " + words(claimed));
      set[static_cast<std::size_t>(layer)].push_back(
          {spec.name, checked(file.file(), name, file.floats(name), claimed, spec)});
    }
  return set;
}

/// Epoch x layer, one data set per monitor.
void write_monitors(h5::Writer& writer, const std::vector<LayerMonitors>& epochs) {
  if (epochs.empty()) return;
  const std::vector<Index> shape{static_cast<Index>(epochs.size()),
                                 static_cast<Index>(epochs.front().s_max.size())};
  const auto write = [&](const std::string& name, std::vector<double> LayerMonitors::*member) {
    std::vector<double> all;
    for (const LayerMonitors& m : epochs)
      all.insert(all.end(), (m.*member).begin(), (m.*member).end());
    writer.write("/course/" + name, shape, all.data());
  };
  write("s_max", &LayerMonitors::s_max);
  write("condition_number", &LayerMonitors::condition_number);
  write("noise_gain", &LayerMonitors::noise_gain);
}

std::vector<LayerMonitors> read_monitors(const h5::Reader& reader) {
  std::vector<LayerMonitors> epochs;
  if (!reader.has("/course/s_max")) return epochs;
  const auto read = [&](const std::string& name, std::vector<double> LayerMonitors::*member) {
    const h5::Array<double> all = reader.doubles("/course/" + name);
    if (all.shape.size() != 2)
      throw FileError(reader.file().string() + ": /course/" + name + " is not epoch x layer");
    epochs.resize(static_cast<std::size_t>(all.shape[0]));
    for (std::size_t e = 0; e < epochs.size(); ++e) {
      const auto first = all.values.begin() + static_cast<std::ptrdiff_t>(e) * all.shape[1];
      (epochs[e].*member).assign(first, first + all.shape[1]);
    }
  };
  read("s_max", &LayerMonitors::s_max);
  read("condition_number", &LayerMonitors::condition_number);
  read("noise_gain", &LayerMonitors::noise_gain);
  return epochs;
}

/// The structure that the file describes. A fault in it is the file's, not one of the config.
Network read_network(const h5::Reader& reader) {
  const std::string name = reader.file().string();
  const std::vector<std::int64_t> shape = reader.integers("/input_shape").values;
  if (shape.size() != 3) throw FileError(name + ": /input_shape has not three numbers");
  constexpr std::int64_t kMostPixels = std::int64_t{1} << 16;  // a side, or channels
  for (const std::int64_t size : shape)
    if (size < 1 || size > kMostPixels)
      throw FileError(name + ": /input_shape holds " + std::to_string(size) + ", expected 1 to " +
                      std::to_string(kMostPixels));
  if (constexpr std::int64_t kMostFeatures = std::int64_t{1} << 26;
      shape[0] * shape[1] * shape[2] > kMostFeatures)
    throw FileError(name + ": /input_shape is " + words({shape[0], shape[1], shape[2]}) +
                    ", more than 2^26 numbers");
  const auto refuse = [&](const std::string& what) {
    throw FileError(what.starts_with(name) ? what : name + ": its network: " + what);
  };
  try {
    return Network(spec_from_toml(reader.string_attribute("/", "network"), name),
                   {shape[0], shape[1], shape[2]});
  } catch (const ConfigError& error) {
    refuse(error.what());
  } catch (const ShapeError& error) {
    refuse(error.what());
  } catch (const std::bad_alloc&) {
    refuse("it claims more than fits into memory");
  } catch (const std::length_error&) {
    refuse("it claims more than fits into memory");
  }
  throw LogicError("a network was neither read nor refused");
}

/// What PyTorch calls a parameter.
std::string torch_name(const std::string& name) {
  return name == "running_variance" ? "running_var" : name;
}

/// Every data set below `group`, named by its path with dots: "features/0/weight" and
/// "features.0.weight" are the same name.
void gather(const h5::Reader& reader, const std::string& group, const std::string& prefix,
            int depth, std::map<std::string, h5::Array<float>>& arrays) {
  constexpr int kDeepest = 32;  // hard links can make circles
  if (depth > kDeepest) throw FileError(reader.file().string() + ": groups are nested too deeply");
  for (const std::string& child : reader.children(group)) {
    const std::string at = (group == "/" ? "/" : group + "/") + child, name = prefix + child;
    if (reader.is_group(at))
      gather(reader, at, name + ".", depth + 1, arrays);
    else if (!arrays.emplace(name, reader.floats(at)).second)
      throw FileError(reader.file().string() + ": " + name + " appears twice");
  }
}

/// The arrays of a weights file by name.
std::map<std::string, h5::Array<float>> read_arrays(const path& file, const Network& network) {
  const std::string ending = file.extension().string();
  if (ending == ".safetensors") return read_safetensors(file);
  if (ending == ".npz") {
    // Twice the largest type, and room for what a state dict holds besides.
    constexpr std::uint64_t kWidest = 16, kRoom = std::uint64_t{64} << 20;
    return read_npz(file, kWidest * static_cast<std::uint64_t>(network.parameter_count()) + kRoom);
  }
  if (ending != ".h5" && ending != ".hdf5")
    throw FileError(file.string() + ": weights come as .npz, .safetensors or .h5");
  const h5::Reader reader(file);
  std::map<std::string, h5::Array<float>> arrays;
  gather(reader, "/", "", 0, arrays);
  return arrays;
}

/// DataParallel puts "module." in front of every name: it is taken off, with a remark, where no
/// layer of the network has it.
void strip_wrapper(const path& file, const Network& network,
                   std::map<std::string, h5::Array<float>>& arrays) {
  const std::string wrapper = "module.";
  for (Index l = 0; l < network.layers(); ++l)
    if (network.name(l).starts_with(wrapper)) return;
  if (arrays.empty() || !std::all_of(arrays.begin(), arrays.end(), [&](const auto& array) {
        return array.first.starts_with(wrapper);
      }))
    return;
  std::map<std::string, h5::Array<float>> stripped;
  for (auto& [name, array] : arrays)
    stripped.emplace(name.substr(wrapper.size()), std::move(array));
  arrays = std::move(stripped);
  remark(file.string() +
         ": the names begin with 'module.' (PyTorch's DataParallel), which is left "
         "out");
}

}  // namespace

void save_checkpoint(const path& file, const Network& network, const TrainingState& state,
                     const std::string& digest) {
  h5::Writer writer(file);
  write_set(writer, network, state.parameters, "/layers");
  for (const auto& [name, set] : state.optimiser.moments)
    write_set(writer, network, set, "/optimiser/" + name);
  const Shape input = network.input();
  writer.write("/input_shape",
               std::vector<std::int64_t>{input.channels, input.height, input.width});
  std::vector<std::string> moments;
  for (const auto& moment : state.optimiser.moments) moments.push_back(moment.first);
  writer.write("/moments", moments);
  const TrainingCourse& course = state.course;
  writer.write("/course/loss", course.loss);
  writer.write("/course/accuracy", course.accuracy);
  writer.write("/course/validation_accuracy", course.validation_accuracy);
  writer.write("/course/learning_rate", course.learning_rate);
  write_monitors(writer, course.monitors);
  if (state.average.terms > 0) {
    write_set(writer, network, state.average.parameters, "/average");
    writer.attribute("/average", "terms", std::int64_t{state.average.terms});
  }
  if (!state.best.parameters.empty()) write_set(writer, network, state.best.parameters, "/best");
  if (state.best.epoch > 0) {
    writer.attribute("/", "best_epoch", std::int64_t{state.best.epoch});
    writer.attribute("/", "best_accuracy", state.best.accuracy);
  }
  writer.attribute("/", "checkpoint_version", kCheckpointVersion);
  writer.attribute("/", "network", to_toml(network.spec()));
  writer.attribute("/", "digest", digest);
  writer.attribute("/", "step", std::int64_t{state.step});
  writer.attribute("/", "epoch", std::int64_t{state.epoch});
  writer.attribute("/", "optimiser_steps", std::int64_t{state.optimiser.steps});
  writer.attribute("/", "epoch_loss", state.epoch_loss);
  writer.attribute("/", "epoch_correct", std::int64_t{state.epoch_correct});
  writer.attribute("/", "epoch_images", std::int64_t{state.epoch_images});
  writer.commit();
}

Checkpoint load_checkpoint(const path& file) {
  const h5::Reader reader(file);
  if (!reader.has_attribute("/", "checkpoint_version") || !reader.has_attribute("/", "network"))
    throw FileError(file.string() + ": is not a checkpoint of Ohmic");
  const std::int64_t version = reader.integer_attribute("/", "checkpoint_version");
  if (version < kOldestCheckpoint || version > kCheckpointVersion)
    throw FileError(file.string() + ": checkpoint version " + std::to_string(version) +
                    ", this program reads " + std::to_string(kOldestCheckpoint) + " to " +
                    std::to_string(kCheckpointVersion));
  Network network = read_network(reader);
  TrainingState state;
  state.parameters = read_set(reader, network, "/layers");
  for (const std::string& name : reader.strings("/moments"))
    state.optimiser.moments.emplace_back(name, read_set(reader, network, "/optimiser/" + name));
  if (reader.has("/average"))
    state.average = {.parameters = read_set(reader, network, "/average"),
                     .terms = reader.integer_attribute("/average", "terms")};
  if (reader.has("/best")) state.best.parameters = read_set(reader, network, "/best");
  if (reader.has_attribute("/", "best_epoch")) {
    state.best.epoch = reader.integer_attribute("/", "best_epoch");
    state.best.accuracy = reader.double_attribute("/", "best_accuracy");
  }
  state.optimiser.steps = reader.integer_attribute("/", "optimiser_steps");
  state.step = reader.integer_attribute("/", "step");
  state.epoch = reader.integer_attribute("/", "epoch");
  state.epoch_loss = reader.double_attribute("/", "epoch_loss");
  state.epoch_correct = reader.integer_attribute("/", "epoch_correct");
  state.epoch_images = reader.integer_attribute("/", "epoch_images");
  state.course = {.loss = reader.doubles("/course/loss").values,
                  .accuracy = reader.doubles("/course/accuracy").values,
                  .validation_accuracy = reader.doubles("/course/validation_accuracy").values,
                  .learning_rate = reader.doubles("/course/learning_rate").values,
                  .monitors = read_monitors(reader)};
  return {std::move(network), std::move(state), reader.string_attribute("/", "digest"),
          reader.is_sealed()};
}

Checkpoint load_checkpoint(const path& file, const Network& network) {
  Checkpoint found = load_checkpoint(file);
  const std::string differs =
      difference(found.network.spec(), found.network.input(), network.spec(), network.input());
  if (!differs.empty())
    throw ConfigError(file.string() + " is a checkpoint of another network: " + differs);
  return found;
}

namespace {

/// The name of one array in files of PyTorch.
std::string torch_path(const Network& network, std::size_t layer, std::size_t parameter) {
  const auto l = static_cast<Index>(layer);
  return network.name(l) + "." + torch_name(network.structure(l).parameters[parameter].name);
}

}  // namespace

ParameterSet<float> load_weights(const path& file, const Network& network) {
  std::map<std::string, h5::Array<float>> arrays = read_arrays(file, network);
  strip_wrapper(file, network, arrays);
  std::vector<std::string> wanted;
  ParameterSet<float> set = zero_parameters<float>(network);
  for (std::size_t l = 0; l < set.size(); ++l)
    for (std::size_t p = 0; p < set[l].size(); ++p) {
      const ParameterSpec& spec = network.structure(static_cast<Index>(l)).parameters[p];
      const std::string name = torch_path(network, l, p);
      const auto found = arrays.find(name);
      if (found == arrays.end()) {
        std::string there;
        for (const auto& array : arrays) there += (there.empty() ? "" : ", ") + array.first;
        throw FileError(file.string() + ": has no " + name + " (it holds " + there + ")");
      }
      set[l][p].value = checked(file, name, found->second, spec.array_shape(), spec);
      wanted.push_back(name);
    }
  for (const auto& array : arrays)
    if (!array.first.ends_with(".num_batches_tracked") &&
        std::find(wanted.begin(), wanted.end(), array.first) == wanted.end())
      throw FileError(file.string() + ": " + array.first + " belongs to no layer of the network");
  return set;
}

void round_to_half(const Network& network, ParameterSet<float>& parameters) {
  for (std::size_t l = 0; l < parameters.size(); ++l)
    for (std::size_t p = 0; p < parameters[l].size(); ++p) {
      Matrix<float>& values = parameters[l][p].value;
      for (Index i = 0; i < values.size(); ++i) {
        const float rounded = from_half(to_half(values.data()[i]));
        if (!std::isfinite(rounded))
          throw ConfigError(torch_path(network, l, p) + " holds " +
                            std::to_string(values.data()[i]) +
                            ", beyond half precision (65504); the trained network is kept in "
                            "single precision");
        values.data()[i] = rounded;
      }
    }
}

void save_weights(const path& file, const Network& network, const ParameterSet<float>& parameters,
                  const std::function<void(h5::Writer&)>& describe) {
  h5::Writer writer(file);
  for (std::size_t l = 0; l < parameters.size(); ++l)
    for (std::size_t p = 0; p < parameters[l].size(); ++p)
      writer.write_half("/" + torch_path(network, l, p),
                        network.structure(static_cast<Index>(l)).parameters[p].array_shape(),
                        parameters[l][p].value.data());
  if (describe) describe(writer);
  writer.commit();
}

}  // namespace ohmic::nn
