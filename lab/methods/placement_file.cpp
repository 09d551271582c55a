#include "lab/methods/placement_file.h"

#include <fmt/format.h>

#include "io/h5.h"

namespace ohmic::lab {

std::vector<nn::Placement> read_placement(const std::filesystem::path& file) {
  const h5::Reader in(file);
  const auto layers = in.strings("/placement/layer");
  const auto ratios = in.doubles("/placement/ratio").values;
  if (layers.size() != ratios.size())
    throw FileError(file.string() + ": /placement has " + std::to_string(layers.size()) +
                    " layers and " + std::to_string(ratios.size()) + " ratios");
  for (const double ratio : ratios)
    if (!(ratio > 0 && ratio <= 16))
      throw FileError(
          fmt::format("{}: /placement/ratio holds {}, expected ratios above 0, at most 16",
                      file.string(), shortest(ratio)));
  std::vector<nn::Placement> out;
  for (std::size_t i = 0; i < layers.size(); ++i) out.push_back({layers[i], ratios[i]});
  return out;
}

}  // namespace ohmic::lab
