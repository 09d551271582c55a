#pragma once

#include <span>

#include "base/kernels.h"
#include "nn/dataset.h"

/// From pixels in a data set to inputs in the lanes of a workspace.
namespace ohmic::nn {

/// Puts images `positions` of `list` into the lanes of `x` (features x kLanes), at most kLanes;
/// other lanes get 0. Labels go to `labels`, of positions' size.
template <class T>
void fill_lanes(const ImageList& list, const Normalisation& normalisation,
                std::span<const Index> positions, View<T> x, std::span<Label> labels);

/// Its parts, for images that change on the way: the inputs of images one after the other
/// (`features` each), ...
template <class T>
void read_inputs(const ImageList& list, const Normalisation& normalisation,
                 std::span<const Index> positions, T* inputs);
/// ... `count` such images into lanes first_lane, first_lane + 1, ... of `x`, ...
template <class T>
void put_lanes(const T* images, Index count, Index first_lane, View<T> x);
/// ... 0 into lanes first, first + 1, ... kLanes - 1, ...
template <class T>
void clear_lanes(Index first, View<T> x);
/// ... and labels.
void read_labels(const ImageList& list, std::span<const Index> positions, std::span<Label> labels);

}  // namespace ohmic::nn
