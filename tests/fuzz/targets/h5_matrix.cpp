#include <cmath>

#include "fuzz/h5_base.h"
#include "io/array_file.h"

namespace ohmic::fuzz {
namespace {

/// A matrix in another program's HDF5 file.
const Target kH5Matrix("h5_matrix", [](std::string_view input) {
  static const std::string kBase = without_seal(written([](h5::Writer& out) {
    out.write("/group/w", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}.data());
  }));
  const std::filesystem::path file = file_of(edited(kBase, input), "input.h5");
  const auto numbers = accepted_twice(file, [&] {
    const Matrix<float> matrix = read_matrix(file.string() + ":/group/w", "--weights");
    return std::vector<float>(matrix.data(), matrix.data() + matrix.size());
  });
  if (!numbers) return;
  for (const float number : *numbers) expect(std::isfinite(number), "a number is not finite");
});

}  // namespace
}  // namespace ohmic::fuzz
