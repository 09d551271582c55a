#include "fuzz/array.h"

namespace ohmic::fuzz {
namespace {

const Target kSafetensors("safetensors", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input.safetensors");
  const auto arrays = accepted_twice(file, [&] { return contents(read_safetensors(file)); });
  if (!arrays) return;
  std::size_t values = 0;
  for (const auto& [name, array] : *arrays) values += array.second.size() / sizeof(float);
  expect(values <= input.size(), "arrays hold more numbers than the file has bytes");
});

}  // namespace
}  // namespace ohmic::fuzz
