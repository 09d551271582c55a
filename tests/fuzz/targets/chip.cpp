#include "base/random_stream.h"
#include "devices/catalogue.h"
#include "devices/chip_readout.h"
#include "fuzz/h5_base.h"

namespace ohmic::fuzz {
namespace {

constexpr Index kRows = 2, kColumns = 3;

std::string base() {
  return without_seal(written([](h5::Writer& out) {
    const std::vector<float> cells(2 * kRows * kColumns, 1e-5f);
    out.write("/layers/fc/programmed", {2, kRows, kColumns}, cells.data());
    out.write("/layers/fc/state/broken", {2, kRows, kColumns},
              std::vector<float>(cells.size(), -1).data());
    out.attribute("/", "device", "model = \"lognormal\"\nsigma = 0.1\n");
  }));
}

/// The read-out of a chip: what its cells conduct.
const Target kChip("chip", [](std::string_view input) {
  static const std::string kBase = base();
  const std::filesystem::path file = file_of(edited(kBase, input), "input.h5");
  const auto conductances = accepted_twice(file, [&] {
    const auto chip =
        devices::make_real_chip({.cell = {}, .file = "input.h5"}, file, devices::make_device);
    const auto layer = devices::of_layer(chip, "fc", 2, kRows, kColumns);
    const RandomStream stream(0);
    Matrix<float> g(kRows, kColumns);
    std::vector<float> all;
    for (const Index polarity : {0, 1}) {
      devices::Cells cells;
      layer->program({.stream = &stream, .polarity = polarity}, g, cells);
      layer->conductance(cells, 0, g);
      all.insert(all.end(), g.data(), g.data() + g.size());
    }
    return all;
  });
  if (!conductances) return;
  for (const float g : *conductances) expect(g >= 0 && g <= 1, "a cell conducts what none does");
});

}  // namespace
}  // namespace ohmic::fuzz
