#pragma once

#include <memory>
#include <random>

#include "nn/dataset.h"
#include "nn/network.h"

/// Small networks and images that a test can train in milliseconds.
namespace ohmic::nn::testing {

/// Images of `classes` classes: class k is bright in its own rows, with noise.
inline std::shared_ptr<const Dataset> synthetic_set(Index images, Shape shape, Index classes,
                                                    unsigned seed) {
  std::mt19937 rng(seed);
  auto set = std::make_shared<Dataset>();
  set->shape = shape;
  set->classes = classes;
  for (Index i = 0; i < images; ++i) {
    const Index label = static_cast<Index>(rng() % static_cast<unsigned>(classes));
    set->labels.push_back(static_cast<Label>(label));
    for (Index c = 0; c < shape.channels; ++c)
      for (Index row = 0; row < shape.height; ++row)
        for (Index column = 0; column < shape.width; ++column)
          set->pixels.push_back(
              static_cast<std::uint8_t>(rng() % 100 + (row % classes == label ? 120 : 0)));
  }
  return set;
}

inline ImageList whole(std::shared_ptr<const Dataset> set) {
  ImageList list{std::move(set), {}};
  for (Index i = 0; i < list.set->size(); ++i) list.index.push_back(i);
  return list;
}

inline Data synthetic_data(Index images, Shape shape = {1, 6, 6}, Index classes = 3) {
  Data data;
  data.params.set = "synthetic";
  data.train = whole(synthetic_set(images, shape, classes, 1));
  data.validation = whole(synthetic_set(images / 4, shape, classes, 2));
  data.test = whole(synthetic_set(images / 2, shape, classes, 3));
  data.normalisation.mean.assign(static_cast<std::size_t>(shape.channels), 90.0);
  data.normalisation.deviation.assign(static_cast<std::size_t>(shape.channels), 60.0);
  return data;
}

/// The network that this TOML describes: `[[layers]]` tables.
inline Network network_of(const std::string& toml, Shape input) {
  return Network(spec_from_toml(toml, "test"), input);
}

/// Conv, batch-norm, pooling, dropout and a residual: something of everything.
inline Network small_network(Shape input = {1, 6, 6}, Index classes = 3) {
  return network_of(R"(
    [[layers]]
    type = "conv"
    name = "conv1"
    filters = 4
    kernel = 3
    padding = 1
    [[layers]]
    type = "batch_norm"
    [[layers]]
    type = "relu"
    name = "a"
    [[layers]]
    type = "conv"
    filters = 4
    kernel = 3
    padding = 1
    [[layers]]
    type = "add"
    inputs = ["a", "conv2"]
    [[layers]]
    type = "max_pool"
    kernel = 2
    [[layers]]
    type = "dropout"
    rate = 0.2
    [[layers]]
    type = "linear"
    name = "fc1"
    outputs = )" + std::to_string(classes),
                    input);
}

template <class T>
void fill_random(View<T> m, std::mt19937& rng, Index columns) {
  std::uniform_real_distribution<double> u(-1, 1);
  for (Index r = 0; r < m.rows(); ++r)
    for (Index c = 0; c < columns; ++c) m(r, c) = static_cast<T>(u(rng));
}

}  // namespace ohmic::nn::testing
