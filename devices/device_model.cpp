#include "devices/device_model.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"

namespace ohmic::devices {

void DeviceModel::conductance(const Cells& cells, double, View<float> out) const {
  for (Index r = 0; r < out.rows(); ++r)
    std::copy_n(cells.programmed.row(r), out.columns(), out.row(r));
}

std::shared_ptr<const DeviceModel> of_layer(const std::shared_ptr<const DeviceModel>& device,
                                            const std::string& layer, Index polarities, Index rows,
                                            Index columns) {
  const ReadOut* read_out = device->read_out();
  return read_out ? read_out->of_layer(layer, polarities, rows, columns) : device;
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
