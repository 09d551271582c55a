#include "devices/device_model.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "base/error.h"

namespace ohmic::devices {

void ProgramContext::normals(Purpose part, Index row, std::span<float> out) const {
  const auto u = [](Index i) { return static_cast<std::uint64_t>(i); };
  const Index cycle = part == Purpose::device ? 0 : programming;
  const auto first = u(first_column);
  const auto address = [&] {
    if (population == Population::reported)
      return device_address(part, {.chip = u(chip),
                                   .programming = u(cycle),
                                   .layer = u(layer),
                                   .polarity = u(polarity),
                                   .slice = u(slice),
                                   .row = u(first_row + row)});
    const Purpose purpose = population == Population::training      ? Purpose::training_noise
                            : population == Population::compensator ? Purpose::compensator_noise
                                                                    : Purpose::selection_chip;
    return training_address(purpose, {.part = part,
                                      .step = u(chip),
                                      .sub_batch = u(cycle),
                                      .layer = u(layer),
                                      .polarity = u(polarity),
                                      .slice = u(slice),
                                      .row = u(first_row + row)});
  };
  stream->normals(address(), first, out);
}

bool DeviceModel::perturb_weights(const ProgramContext&, ConstView<float>, View<float>) const {
  return false;
}

void DeviceModel::conductance(const Cells& cells, double, View<float> out) const {
  for (Index r = 0; r < out.rows(); ++r)
    std::copy_n(cells.programmed.row(r), out.columns(), out.row(r));
}

double rectified_mean(double mean, double sigma) {
  if (sigma <= 0) return std::max(mean, 0.0);
  const double a = mean / sigma;
  return mean * elementary::normal_cdf(a) + sigma * elementary::normal_pdf(a);
}

double rectified_sigma(double mean, double sigma) {
  if (sigma <= 0) return 0.0;
  const double a = mean / sigma, m = rectified_mean(mean, sigma);
  const double square = (mean * mean + sigma * sigma) * elementary::normal_cdf(a) +
                        mean * sigma * elementary::normal_pdf(a);
  return std::sqrt(std::max(square - m * m, 0.0));
}

}  // namespace ohmic::devices
