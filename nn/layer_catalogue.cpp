#include "nn/layer_catalogue.h"

#include <algorithm>

namespace ohmic::nn {

// Each is defined in the file of its layer.
LayerKind linear_kind();
LayerKind conv_kind();
LayerKind max_pool_kind();
LayerKind average_pool_kind();
LayerKind global_average_pool_kind();
LayerKind relu_kind();
LayerKind flatten_kind();
LayerKind dropout_kind();
LayerKind batch_norm_kind();
LayerKind add_kind();
LayerKind compensator_kind();

const std::vector<LayerKind>& layer_catalogue() {
  static const std::vector<LayerKind> list{linear_kind(),
                                           conv_kind(),
                                           max_pool_kind(),
                                           average_pool_kind(),
                                           global_average_pool_kind(),
                                           relu_kind(),
                                           flatten_kind(),
                                           dropout_kind(),
                                           batch_norm_kind(),
                                           add_kind(),
                                           compensator_kind()};
  return list;
}

namespace {

/// Null: there is no kind of that name.
const LayerKind* find_kind(const std::string& type) {
  const auto& list = layer_catalogue();
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const LayerKind& kind) { return kind.name == type; });
  return found == list.end() ? nullptr : &*found;
}

const LayerKind& kind_of(const LayerSpec& spec) {
  const LayerKind* kind = find_kind(spec.type);
  if (!kind) fail(spec, "unknown type '" + spec.type + "'");
  return *kind;
}

void check_inputs(const LayerSpec& spec, const InputRule& rule, std::size_t count) {
  if (count >= rule.least && count <= rule.most) return;
  std::string expected = std::to_string(rule.least);
  if (rule.most > rule.least) expected += " to " + std::to_string(rule.most);
  if (!rule.meaning.empty()) expected += ": " + std::string(rule.meaning);
  fail(spec, "has " + std::to_string(count) + " inputs, expected " + expected);
}

}  // namespace

void fields(FieldVisitor& f, LayerSpec& s) {
  std::vector<std::string_view> types;
  for (const LayerKind& kind : layer_catalogue()) types.push_back(kind.name);
  f.field({.key = "type", .meaning = "kind of layer", .one_of = types}, s.type);
  f.field(
      {.key = "name", .meaning = "name in messages, overrides and files; empty: type and number"},
      s.name);
  const LayerKind* kind = find_kind(s.type);
  if (kind && kind->inputs.most > 1) {
    f.field({.key = "inputs", .meaning = kind->inputs.meaning}, s.inputs);
  } else {
    std::string input = s.inputs.empty() ? "" : s.inputs.front();
    f.field(
        {.key = "input",
         .meaning = "layer that feeds this one, \"input\" for the image; empty: the one before"},
        input);
    s.inputs.clear();
    if (!input.empty()) s.inputs.push_back(input);
  }
  if (kind) kind->fields(f, s.own);
}

bool reads_the_layer_before(const LayerSpec& spec) {
  return spec.inputs.empty() && kind_of(spec).inputs.least == 1;
}

bool folds(const LayerSpec& spec) {
  const LayerKind* kind = find_kind(spec.type);
  return kind && kind->folds;
}

template <>
std::unique_ptr<const Layer<float>> make_layer(const LayerSpec& spec,
                                               const std::vector<Shape>& inputs) {
  const LayerKind& kind = kind_of(spec);
  check_inputs(spec, kind.inputs, inputs.size());
  return kind.make32(spec, inputs);
}
template <>
std::unique_ptr<const Layer<double>> make_layer(const LayerSpec& spec,
                                                const std::vector<Shape>& inputs) {
  const LayerKind& kind = kind_of(spec);
  check_inputs(spec, kind.inputs, inputs.size());
  return kind.make64(spec, inputs);
}

}  // namespace ohmic::nn
