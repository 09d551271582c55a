#pragma once

#include <any>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/config.h"

namespace ohmic::nn {

/// One `[[network.layers]]` table. Which keys it has besides these depends on its type
/// (nn/layer_catalogue.h).
struct LayerSpec {
  std::string type;
  std::string name;  ///< empty: type + number ("conv1")
  std::vector<std::string>
      inputs;          ///< names of layers, "input" for the image; empty: the layer before
  std::any own = {};   ///< the parameters of its kind ("MacParams"); empty: their defaults
  Origin origin = {};  ///< where it was written; no place for built-in models

  /// The parameters `Own` of its kind. LogicError if it holds those of another.
  template <class Own>
  Own parameters() const {
    if (!own.has_value()) return {};
    const Own* held = std::any_cast<Own>(&own);
    ensure(held != nullptr, "a layer holds the parameters of its kind");
    return *held;
  }
};

/// Throws "layer NAME: MESSAGE": at the layer's place in the config where it has one (ConfigError),
/// else ShapeError.
[[noreturn]] void fail(const LayerSpec& spec, const std::string& message);

}  // namespace ohmic::nn
