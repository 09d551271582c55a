#pragma once

#include "nn/layer_kind.h"

namespace ohmic::nn {

/// The one list of kinds.
const std::vector<LayerKind>& layer_catalogue();

/// The keys of a layer: `type`, `name`, its inputs, and what its kind adds.
void fields(FieldVisitor& f, LayerSpec& spec);

/// Whether a layer without `inputs` reads the one before it.
bool reads_the_layer_before(const LayerSpec& spec);

/// Whether the layer is of a kind that can be folded into the product before it.
bool folds(const LayerSpec& spec);

/// Builds a layer. Throws what fail(spec, ...) throws where its type is unknown, or the number of
/// its inputs or their shapes do not fit.
template <class T>
std::unique_ptr<const Layer<T>> make_layer(const LayerSpec& spec, const std::vector<Shape>& inputs);

}  // namespace ohmic::nn
