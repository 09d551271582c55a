#pragma once

#include <cmath>

#include "fuzz/target.h"
#include "nn/checkpoint.h"
#include "nn/trainer.h"
#include "nn/training_params.h"

namespace ohmic::fuzz {

/// A layer of 2 x 3 with batch-norm.
inline const nn::Network& small_network() {
  static const nn::Network network(
      nn::spec_from_toml("[[layers]]\ntype = \"flatten\"\n[[layers]]\ntype = \"linear\"\nname = "
                         "\"fc\"\noutputs = 2\n[[layers]]\ntype = \"batch_norm\"\nname = \"bn\"",
                         "small"),
      {1, 1, 3});
  return network;
}

/// All numbers of a set of its parameters, which have to be finite.
inline std::vector<float> numbers_of(const nn::ParameterSet<float>& set) {
  std::vector<float> all;
  for (const auto& layer : set)
    for (const auto& parameter : layer)
      for (Index i = 0; i < parameter.value.size(); ++i) {
        all.push_back(parameter.value.data()[i]);
        expect(std::isfinite(all.back()), "a weight is not finite");
      }
  return all;
}

}  // namespace ohmic::fuzz
