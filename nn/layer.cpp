#include "nn/layer.h"

namespace ohmic::nn {

template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec, const std::vector<Shape>& inputs) {
  if (spec.type == "add") return make_add<T>(spec, inputs);
  if (spec.type == "compensator") return make_compensator<T>(spec, inputs);
  if (inputs.size() != 1)
    fail(spec, "has " + std::to_string(inputs.size()) + " inputs, expected one");
  const Shape& input = inputs.front();
  if (spec.type == "linear" || spec.type == "conv") return make_mac_layer<T>(spec, input);
  if (spec.type == "max_pool") return make_max_pool<T>(spec, input);
  if (spec.type == "average_pool") return make_average_pool<T>(spec, input);
  if (spec.type == "relu") return make_relu<T>(input);
  if (spec.type == "flatten") return make_flatten<T>(input);
  if (spec.type == "dropout") return make_dropout<T>(spec, input);
  if (spec.type == "batch_norm") return make_batch_norm<T>(spec, input);
  fail(spec, "unknown type '" + spec.type + "'");
}

template std::unique_ptr<Layer<float>> make_layer(const LayerSpec&, const std::vector<Shape>&);
template std::unique_ptr<Layer<double>> make_layer(const LayerSpec&, const std::vector<Shape>&);

}  // namespace ohmic::nn
