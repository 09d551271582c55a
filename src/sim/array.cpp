#include "sim/array.h"

namespace ohmic::sim {
namespace {

using devices::Cells;

/// Targets of both polarities for weights u, quantised to levels or exact.
std::vector<Matrix<float>> planes(const MappingRule& rule, ConstView<float> u, bool quantised) {
  std::vector<Matrix<float>> out(rule.mapping() == Mapping::offset ? 1 : 2,
                                 Matrix<float>(u.rows(), u.columns()));
  for (Index r = 0; r < u.rows(); ++r)
    for (Index c = 0; c < u.columns(); ++c) {
      const MappingRule::Pair pair = quantised ? rule.target(u(r, c)) : rule.exact(u(r, c));
      out[0](r, c) = static_cast<float>(pair.positive);
      if (out.size() == 2) out[1](r, c) = static_cast<float>(pair.negative);
    }
  return out;
}

Matrix<float> read_back(const MappingRule& rule, const std::vector<Matrix<float>>& g) {
  Matrix<float> u(g[0].rows(), g[0].columns());
  for (Index r = 0; r < u.rows(); ++r)
    for (Index c = 0; c < u.columns(); ++c)
      u(r, c) = static_cast<float>(rule.weight({g[0](r, c), g.size() == 2 ? g[1](r, c) : 0.0}));
  return u;
}

}  // namespace

Array::Array(std::shared_ptr<const devices::DeviceModel> device, std::vector<Cells> cells,
             double seconds)
    : device_(std::move(device)), cells_(std::move(cells)), seconds_(seconds) {
  for (const Cells& c : cells_) {
    now_.emplace_back(c.target.rows(), c.target.columns());
    device_->conductance(c, seconds, now_.back());
  }
}

Matrix<float> Array::read_sigma(std::size_t polarity) const {
  Matrix<float> sigma(now_[polarity].rows(), now_[polarity].columns());
  device_->read_sigma(cells_[polarity], seconds_, sigma);
  return sigma;
}

Array program_array(std::shared_ptr<const devices::DeviceModel> device, const MappingRule& rule,
                    ConstView<float> u, const devices::ProgramContext& context,
                    Programming programming, double seconds) {
  const std::vector<Matrix<float>> targets = planes(rule, u, true);
  std::vector<Matrix<float>> aims = targets;
  // Weight-level variation acts on the weight that the levels stand for, and is mapped without
  // quantising again.
  if (programming != Programming::at_target) {
    Matrix<float> w = read_back(rule, targets), w_tilde(u.rows(), u.columns());
    if (programming == Programming::at_mean) {
      const double factor = device->mean_weight_factor();
      if (factor != 1.0) {
        for (Index i = 0; i < w.size(); ++i) w.data()[i] = static_cast<float>(w.data()[i] * factor);
        aims = planes(rule, w, false);
      }
    } else if (device->perturb_weights(context, w, w_tilde)) {
      aims = planes(rule, w_tilde, false);
    }
  }
  std::vector<Cells> cells(targets.size());
  for (std::size_t p = 0; p < cells.size(); ++p) {
    devices::ProgramContext at = context;
    at.polarity = static_cast<Index>(p);
    if (programming == Programming::drawn) {
      device->program(at, aims[p], cells[p]);
    } else {
      cells[p].programmed = aims[p];
      if (programming == Programming::at_mean)
        for (Index i = 0; i < aims[p].size(); ++i)
          cells[p].programmed.data()[i] =
              static_cast<float>(device->mean(aims[p].data()[i], seconds));
    }
    cells[p].target = targets[p];
  }
  return Array(std::move(device), std::move(cells), seconds);
}

}  // namespace ohmic::sim
