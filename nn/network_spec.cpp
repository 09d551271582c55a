#include "nn/network_spec.h"

#include <algorithm>

#include "nn/layer_catalogue.h"
#include "nn/layer_mac.h"
#include "nn/layer_pool.h"

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
  spec.own = MacParams{.outputs = outputs};
  return spec;
}
LayerSpec conv(std::string name, std::int64_t filters, std::int64_t kernel, std::int64_t padding) {
  LayerSpec spec = named("conv", std::move(name));
  spec.own = MacParams{.outputs = filters, .kernel = kernel, .padding = padding};
  return spec;
}
LayerSpec max_pool(std::int64_t kernel) {
  LayerSpec spec = named("max_pool");
  spec.own = PoolParams{.kernel = kernel};
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

}  // namespace

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
      for (const LayerKind& kind : layer_catalogue())
        types += (types.empty() ? "" : ", ") + std::string(kind.name);
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

namespace {

/// Whether network.fold_batch_norm may have something to fold: yes, where a file brings the layers.
bool may_fold(const NetworkParams& p) {
  if (!p.file.empty() || p.model.empty() == p.layers.empty()) return true;
  const NetworkSpec spec = network_spec(p, {1, 32, 32}, 10);  // kinds do not depend on sizes
  return std::any_of(spec.begin(), spec.end(), folds);
}

}  // namespace

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
                      "scale and shift after the ADC",
           .idle = may_fold(p) ? "" : "the network has no layer of type batch_norm"},
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
