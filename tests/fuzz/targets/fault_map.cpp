#include "devices/faults.h"

#include "fuzz/h5_base.h"

namespace ohmic::fuzz {
namespace {

/// A user's map of broken cells.
const Target kFaultMap("fault_map", [](std::string_view input) {
  static const std::string kBase = without_seal(written([](h5::Writer& out) {
    out.write("/fc", {2, 2, 3},
              std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 0, 0, 1, 1, 2, 2}.data());
    out.write("/conv", {2, 1, 1}, std::vector<std::int64_t>{0, 5}.data());
  }));
  const std::filesystem::path file = file_of(edited(kBase, input), "input.h5");
  const auto codes = accepted_twice(file, [&] {
    std::string all;
    for (const auto& [layer, planes] : devices::read_fault_map(file))
      for (const Matrix<std::uint8_t>& plane : planes)
        all.append(plane.data(), plane.data() + plane.size());
    return all;
  });
  if (!codes) return;
  for (const char code : *codes)
    expect(code >= 0 && code <= static_cast<char>(devices::Fault::dead_column), "no fault");
});

}  // namespace
}  // namespace ohmic::fuzz
