#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "nn/layer_spec.h"
#include "nn/shape.h"

namespace ohmic::nn {

/// What a built-in network is built for.
struct NetworkSizes {
  Shape input;
  Index classes = 0;
  std::vector<std::int64_t> hidden = {};  ///< outputs of the mlp's hidden layers
  double width = 1;                       ///< factor on the number of filters
};

/// A network that `network.model` can name.
struct BuiltInNetwork {
  std::string_view name;
  bool has_width = false;  ///< whether NetworkSizes::width acts on it
  /// Its layers, as a user would write them. ConfigError where the width leaves a layer without
  /// filters.
  std::vector<LayerSpec> (*layers)(const NetworkSizes& sizes);
};

/// The one list of them.
const std::vector<BuiltInNetwork>& built_in_networks();
/// Null: there is none of that name.
const BuiltInNetwork* built_in_network(std::string_view name);

}  // namespace ohmic::nn
