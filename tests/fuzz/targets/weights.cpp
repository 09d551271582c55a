#include <cmath>

#include "fuzz/array.h"
#include "fuzz/small_network.h"

namespace ohmic::fuzz {
namespace {

/// Weights of a layer, in a zip archive or as .safetensors.
const Target kWeights("weights", [](std::string_view input) {
  const std::filesystem::path file =
      file_of(input, input.starts_with("PK") ? "input.npz" : "input.safetensors");
  const auto values =
      accepted_twice(file, [&] { return numbers_of(nn::load_weights(file, small_network())); });
  if (!values) return;
  expect(static_cast<Index>(values->size()) >= small_network().parameter_count(),
         "weights are missing");
});

}  // namespace
}  // namespace ohmic::fuzz
