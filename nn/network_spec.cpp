#include "nn/network_spec.h"

#include <algorithm>

#include "nn/built_in_networks.h"
#include "nn/layer_catalogue.h"

namespace ohmic::nn {

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
  NetworkParams any_size = p;  // kinds do not depend on sizes
  any_size.width = 1;
  const NetworkSpec spec = network_spec(any_size, {1, 32, 32}, 10);
  return std::any_of(spec.begin(), spec.end(), folds);
}

/// "", and the names of built-in networks.
std::vector<std::string_view> model_names() {
  std::vector<std::string_view> names{""};
  for (const BuiltInNetwork& network : built_in_networks()) names.push_back(network.name);
  return names;
}

}  // namespace

void fields(FieldVisitor& f, NetworkParams& p) {
  f.field({.key = "model",
           .meaning = "built-in network; empty: [[network.layers]] or network.file",
           .one_of = model_names()},
          p.model);
  const BuiltInNetwork* model = built_in_network(p.model);
  const std::string no_width = p.model.empty() ? "there is no model, whose filters it would scale"
                                               : "model \"" + p.model + "\" has no width";
  f.field({.key = "width",
           .meaning = "factor on the number of filters of a vgg or resnet, rounded to whole ones",
           .low = 0,
           .high = 16,
           .low_open = true,
           .came_later = true,
           .idle = model && model->has_width ? std::string_view() : no_width},
          p.width);
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
  if (const BuiltInNetwork* model = built_in_network(params.model))
    return model->layers(
        {.input = input, .classes = classes, .hidden = params.hidden, .width = params.width});
  std::string names;
  for (const BuiltInNetwork& model : built_in_networks())
    names += '"' + std::string(model.name) + "\", ";
  throw ConfigError("network.model is missing: " + names +
                    "or layers of your own as [[network.layers]]");
}

}  // namespace ohmic::nn
