#include "fuzz/h5_base.h"
#include "fuzz/small_network.h"

namespace ohmic::fuzz {
namespace {

/// Weights in another program's HDF5 file.
const Target kH5Weights("h5_weights", [](std::string_view input) {
  static const std::string kBase = without_seal(written([](h5::Writer& out) {
    out.write("/fc/weight", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}.data());
    out.write("/fc/bias", {2}, std::vector<float>{1, 2}.data());
    for (const char* name : {"/bn.weight", "/bn.bias", "/bn.running_mean", "/bn.running_var"})
      out.write(name, {2}, std::vector<float>{1, 2}.data());
  }));
  const std::filesystem::path file = file_of(edited(kBase, input), "input.h5");
  accepted_twice(file, [&] { return numbers_of(nn::load_weights(file, small_network())); });
});

}  // namespace
}  // namespace ohmic::fuzz
