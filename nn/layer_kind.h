#pragma once

#include <any>
#include <functional>

#include "io/fields.h"
#include "nn/layer.h"

namespace ohmic::nn {

/// Outputs or filters that a layer may have: the weight-row field of addresses.
inline constexpr double kMostOutputs = 1 << 20;

/// A key that is a length of a square window [pixels].
inline void window_field(FieldVisitor& f, std::string_view key, std::string_view meaning,
                         std::int64_t& length) {
  f.field({.key = key, .meaning = meaning, .unit = "pixels", .low = 0, .high = 1024}, length);
}

/// How many layers feed one.
struct InputRule {
  std::size_t least = 1, most = 1;
  std::string_view meaning = "";  ///< of the key `inputs`; where one layer feeds it: `input`
};

/// A kind of layer that a network's `type` can name. It is defined in the file of its layer.
struct LayerKind {
  std::string_view name;
  InputRule inputs;
  /// Visits the parameters that are the kind's own: LayerSpec::own.
  std::function<void(FieldVisitor& f, std::any& own)> fields;
  /// Builds a layer whose number of inputs is right. Throws what nn::fail() throws where their
  /// shapes do not fit.
  template <class T>
  using Maker = std::function<std::unique_ptr<const Layer<T>>(const LayerSpec& spec,
                                                              const std::vector<Shape>& inputs)>;
  Maker<float> make32;
  Maker<double> make64;
  bool folds = false;  ///< into the product before it, where network.fold_batch_norm asks for it
};

/// Of layers Made<T>(structure, own) with parameters of their own.
template <template <class> class Made, class Own>
LayerKind layer_kind(std::string_view name, void (*fields)(FieldVisitor&, Own&),
                     LayerStructure (*structure)(const LayerSpec&, const Own&,
                                                 const std::vector<Shape>& inputs),
                     InputRule inputs = {}) {
  const auto visit = [fields](FieldVisitor& f, std::any& own) {
    if (!std::any_cast<Own>(&own)) own = Own{};
    fields(f, *std::any_cast<Own>(&own));
  };
  const auto maker = [structure]<class T>(T) {
    return [structure](const LayerSpec& spec, const std::vector<Shape>& shapes) {
      const Own own = spec.parameters<Own>();
      return std::make_unique<const Made<T>>(structure(spec, own, shapes), own);
    };
  };
  return {name, inputs, visit, maker(0.0f), maker(0.0)};
}

/// Of layers Made<T>(structure) without parameters of their own.
template <template <class> class Made>
LayerKind layer_kind(std::string_view name,
                     LayerStructure (*structure)(const LayerSpec&,
                                                 const std::vector<Shape>& inputs),
                     InputRule inputs = {}) {
  const auto maker = [structure]<class T>(T) {
    return [structure](const LayerSpec& spec, const std::vector<Shape>& shapes) {
      return std::make_unique<const Made<T>>(structure(spec, shapes));
    };
  };
  return {name, inputs, [](FieldVisitor&, std::any&) {}, maker(0.0f), maker(0.0)};
}

}  // namespace ohmic::nn
