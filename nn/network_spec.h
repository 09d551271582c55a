#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/config.h"
#include "io/fields.h"
#include "nn/layer_spec.h"
#include "nn/shape.h"

/// What a user writes of a network: its layers, and where they come from.
namespace ohmic::nn {

/// Layers in the order in which they compute.
using NetworkSpec = std::vector<LayerSpec>;

/// An array of layer tables as a spec and back. `path` begins messages ("network.layers").
NetworkSpec read_layers(const ConfigNode& array, const std::string& path);
ConfigNode write_layers(const NetworkSpec& spec);
/// The spec as TOML text with one [[layers]] table per layer; what checkpoints hold.
std::string to_toml(const NetworkSpec& spec);
NetworkSpec spec_from_toml(const std::string& text, const std::string& name);

/// The `[network]` table.
struct NetworkParams {
  std::string model;                         ///< "", or one of built_in_networks()
  double width = 1;                          ///< of vgg and resnet: factor on the filters
  std::vector<std::int64_t> hidden = {100};  ///< of mlp
  bool fold_batch_norm = true;
  std::string file;     ///< a checkpoint: brings its structure
  std::string weights;  ///< bare weights (.npz, .safetensors, .h5) instead of training
  NetworkSpec layers;
};
void fields(FieldVisitor& f, NetworkParams& params);

/// Reads `[network]` with its `[[network.layers]]`. ConfigError where a key is unknown or out of
/// range.
NetworkParams read_network(const ConfigNode& table, const std::string& path);
/// The table back, layers included.
ConfigNode write_network(const NetworkParams& params);

/// The layers that `params` ask for (not those of `params.file`) on images of shape `input`.
/// ConfigError if there is no model, an unknown one, both a model and layers, or a width that
/// leaves a layer without filters.
NetworkSpec network_spec(const NetworkParams& params, const Shape& input, Index classes);

}  // namespace ohmic::nn
