#include "nn/layer_spec.h"

namespace ohmic::nn {

void fail(const LayerSpec& spec, const std::string& message) {
  const std::string words = "layer " + (spec.name.empty() ? spec.type : spec.name) + ": " + message;
  if (spec.origin.place.empty()) throw ShapeError(words);
  fail_at(spec.origin, words);
}

}  // namespace ohmic::nn
