#include <cmath>

#include "fuzz/array.h"

namespace ohmic::fuzz {
namespace {

/// An .npy file: what it holds are the bytes at its end, and what is written of it reads back.
const Target kNpy("npy", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input.npy");
  const auto array = accepted_twice(file, [&] { return contents(read_npy(file)); });
  if (!array) return;
  constexpr std::string_view kPlain = "{'descr': '<f4', 'fortran_order': False,";
  constexpr std::size_t kHeader = 10;  // of version 1
  const bool is_plain = input[6] == 1 && input.substr(kHeader).starts_with(kPlain) &&
                        input.rfind("'descr'") < kHeader + 2 &&
                        input.rfind("'fortran_order'") < kHeader + kPlain.size();
  expect(!is_plain || input.ends_with(array->second), "numbers differ from the file's bytes");
  const std::filesystem::path echo = file_of("", "echo.npy");
  write_npy(echo, array->first, reinterpret_cast<const float*>(array->second.data()));
  expect(contents(read_npy(echo)) == *array, "a written array differs");
  const auto matrix = accepted(file.string(), [&] { return read_matrix(file.string(), "--x"); });
  for (Index i = 0; matrix && i < matrix->size(); ++i)
    expect(std::isfinite(matrix->data()[i]), "a matrix has a number that is not finite");
});

}  // namespace
}  // namespace ohmic::fuzz
