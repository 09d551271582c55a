#include "nn/network_spec.h"

namespace ohmic::nn {
namespace {

LayerSpec named(std::string type, std::string name = {}) {
  LayerSpec spec;
  spec.type = std::move(type);
  spec.name = std::move(name);
  return spec;
}
LayerSpec linear(std::string name, std::int64_t outputs) {
  LayerSpec spec = named("linear", std::move(name));
  spec.outputs = outputs;
  return spec;
}
LayerSpec conv(std::string name, std::int64_t filters, std::int64_t kernel, std::int64_t padding) {
  LayerSpec spec = named("conv", std::move(name));
  spec.outputs = filters;
  spec.kernel = kernel;
  spec.padding = padding;
  return spec;
}
LayerSpec max_pool(std::int64_t kernel) {
  LayerSpec spec = named("max_pool");
  spec.kernel = kernel;
  return spec;
}

/// LeCun et al., Proc. IEEE 86 (1998) 2278, with ReLU and max-pooling; 28x28 images are padded to
/// the original's 32x32.
NetworkSpec lenet5(const Shape& input, Index classes) {
  return {conv("conv1", 6, 5, input.height == 28 ? 2 : 0),
          named("relu"),
          max_pool(2),
          conv("conv2", 16, 5, 0),
          named("relu"),
          max_pool(2),
          named("flatten"),
          linear("fc1", 120),
          named("relu"),
          linear("fc2", 84),
          named("relu"),
          linear("fc3", classes)};
}

NetworkSpec mlp(const std::vector<std::int64_t>& hidden, Index classes) {
  NetworkSpec layers = {named("flatten")};
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    layers.push_back(linear("fc" + std::to_string(i + 1), hidden[i]));
    layers.push_back(named("relu"));
  }
  layers.push_back(linear("fc" + std::to_string(hidden.size() + 1), classes));
  return layers;
}

constexpr double kMostOutputs = 1 << 20;  // the weight-row field of addresses

}  // namespace

const std::vector<std::string_view>& layer_types() {
  static const std::vector<std::string_view> types = {
      "linear",  "conv",    "max_pool",   "average_pool", "relu",
      "flatten", "dropout", "batch_norm", "add",          "compensator"};
  return types;
}

void fields(FieldVisitor& f, LayerSpec& s) {
  f.field({.key = "type", .meaning = "kind of layer", .one_of = layer_types()}, s.type);
  f.field(
      {.key = "name", .meaning = "name in messages, overrides and files; empty: type and number"},
      s.name);
  const bool is_compensator = s.type == "compensator";
  if (s.type == "add" || is_compensator) {
    f.field({.key = "inputs",
             .meaning = "add: layers whose outputs are added; compensator: the layer that it "
                        "corrects, and that layer's input"},
            s.inputs);
  } else {
    std::string input = s.inputs.empty() ? "" : s.inputs.front();
    f.field(
        {.key = "input",
         .meaning = "layer that feeds this one, \"input\" for the image; empty: the one before"},
        input);
    s.inputs.clear();
    if (!input.empty()) s.inputs.push_back(input);
  }
  if (is_compensator) {
    f.field({.key = "filters",
             .meaning = "generated maps of a compensator",
             .low = 0,
             .high = kMostOutputs},
            s.outputs);
    f.field({.key = "generator",
             .meaning = "activation of the generated maps",
             .one_of = {"relu", "identity"}},
            s.generator);
    f.field({.key = "residual", .meaning = "whether a compensator adds to its input"}, s.residual);
  }
  const bool is_conv = s.type == "conv", is_pool = s.type == "max_pool" || s.type == "average_pool";
  if (is_conv || s.type == "linear") {
    f.field({.key = is_conv ? "filters" : "outputs",
             .meaning = "outputs a position",
             .low = 0,
             .high = kMostOutputs},
            s.outputs);
    f.field({.key = "bias", .meaning = "whether the layer adds a bias"}, s.bias);
  }
  if (is_conv || is_pool) {
    f.field({.key = "kernel",
             .meaning = "side of the square window",
             .unit = "pixels",
             .low = 0,
             .high = 1024},
            s.kernel);
    f.field({.key = "stride",
             .meaning = "step of the window; 0: 1 for conv, the kernel for pools",
             .unit = "pixels",
             .low = 0,
             .high = 1024},
            s.stride);
  }
  if (is_conv)
    f.field({.key = "padding",
             .meaning = "zeros around the image",
             .unit = "pixels",
             .low = 0,
             .high = 1024},
            s.padding);
  if (s.type == "dropout")
    f.field({.key = "rate",
             .meaning = "share of features set to 0 while training",
             .unit = "fraction",
             .low = 0,
             .high = 1,
             .high_open = true},
            s.rate);
  if (s.type == "batch_norm") {
    f.field({.key = "momentum",
             .meaning = "weight of a sub-batch in the running statistics",
             .low = 0,
             .high = 1},
            s.momentum);
    f.field({.key = "epsilon", .meaning = "added to the variance", .low = 0, .low_open = true},
            s.epsilon);
  }
}

void fail(const LayerSpec& spec, const std::string& message) {
  const std::string words = "layer " + (spec.name.empty() ? spec.type : spec.name) + ": " + message;
  if (spec.origin.place.empty()) throw ShapeError(words);
  fail_at(spec.origin, words);
}

NetworkSpec read_layers(const ConfigNode& array, const std::string& path) {
  if (!array.is_array())
    fail_at(array.origin,
            path + " is " + std::string(array.kind()) + ", expected [[" + path + "]]");
  NetworkSpec layers;
  for (const ConfigNode& node : array.array()) {
    if (!node.is_table())
      fail_at(node.origin,
              path + " holds " + std::string(node.kind()) + ", expected tables: [[" + path + "]]");
    if (!node.find("type")) {
      std::string types;
      for (std::string_view type : layer_types())
        types += (types.empty() ? "" : ", ") + std::string(type);
      fail_at(node.origin, "a layer needs a type: one of " + types);
    }
    LayerSpec spec;
    spec.origin = node.origin;
    read_fields(node, path, spec);
    layers.push_back(std::move(spec));
  }
  return layers;
}

ConfigNode write_layers(const NetworkSpec& spec) {
  ConfigNode array;
  array.value = ConfigNode::Array{};
  for (const LayerSpec& layer : spec)
    std::get<ConfigNode::Array>(array.value).push_back(write_fields(layer));
  return array;
}

std::string to_toml(const NetworkSpec& spec) {
  ConfigNode root;
  root.put("layers", write_layers(spec));
  return ohmic::to_toml(root);
}

NetworkSpec spec_from_toml(const std::string& text, const std::string& name) {
  const ConfigNode root = parse_config(text, name);
  const ConfigNode* layers = root.find("layers");
  return layers ? read_layers(*layers, "layers") : NetworkSpec{};
}

void fields(FieldVisitor& f, NetworkParams& p) {
  f.field({.key = "model",
           .meaning = "built-in network; empty: [[network.layers]] or network.file",
           .one_of = {"", "mlp", "lenet5"}},
          p.model);
  f.field({.key = "hidden",
           .meaning = "outputs of the mlp's hidden layers",
           .low = 1,
           .high = kMostOutputs,
           .idle = p.model == "mlp" ? "" : "model is not \"mlp\""},
          p.hidden);
  f.field({.key = "fold_batch_norm",
           .meaning = "fold batch-norm into the weights before mapping; false: a digital "
                      "scale and shift after the ADC"},
          p.fold_batch_norm);
  f.field({.key = "file",
           .meaning = "checkpoint (HDF5) to use instead of training; brings its structure",
           .is_file = true},
          p.file);
  f.field(
      {.key = "weights",
       .meaning = "bare weights (.npz, .safetensors, .h5; PyTorch's names and shapes) instead of "
                  "training",
       .is_file = true},
      p.weights);
}

NetworkParams read_network(const ConfigNode& table, const std::string& path) {
  NetworkParams params;
  read_fields(table, path, params, {"layers"});
  if (const ConfigNode* layers = table.find("layers"))
    params.layers = read_layers(*layers, path + ".layers");
  return params;
}

ConfigNode write_network(const NetworkParams& params) {
  ConfigNode table = write_fields(params);
  if (!params.layers.empty()) table.put("layers", write_layers(params.layers));
  return table;
}

NetworkSpec network_spec(const NetworkParams& params, const Shape& input, Index classes) {
  if (!params.model.empty() && !params.layers.empty())
    throw ConfigError("network.model = '" + params.model +
                      "' and [[network.layers]] are both given: leave one out");
  if (!params.layers.empty()) return params.layers;
  if (params.model == "lenet5") return lenet5(input, classes);
  if (params.model == "mlp") return mlp(params.hidden, classes);
  throw ConfigError(
      "network.model is missing: \"lenet5\", \"mlp\", or layers of your own as [[network.layers]]");
}

}  // namespace ohmic::nn
