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

namespace {

/// What `device` draws for the targets: weight-level models act on the weight that the levels stand
/// for, which is then mapped without quantising again.
std::vector<Cells> drawn_cells(const devices::DeviceModel& device, const MappingRule& rule,
                               const std::vector<Matrix<float>>& targets,
                               const devices::ProgramContext& context) {
  const Matrix<float> w = read_back(rule, targets);
  Matrix<float> w_tilde(w.rows(), w.columns());
  const bool on_weight = device.perturb_weights(context, w, w_tilde);
  const std::vector<Matrix<float>> aims = on_weight ? planes(rule, w_tilde, false) : targets;
  std::vector<Cells> cells(targets.size());
  for (std::size_t p = 0; p < cells.size(); ++p) {
    devices::ProgramContext at = context;
    at.polarity = static_cast<Index>(p);
    device.program(at, aims[p], cells[p]);
    cells[p].target = targets[p];
  }
  return cells;
}

/// Every device at its model's mean.
std::vector<Cells> mean_cells(const devices::DeviceModel& device, const MappingRule& rule,
                              const std::vector<Matrix<float>>& targets, double seconds) {
  std::vector<Matrix<float>> aims = targets;
  const double factor = device.mean_weight_factor();
  if (factor != 1.0) {
    Matrix<float> w = read_back(rule, targets);
    for (Index i = 0; i < w.size(); ++i) w.data()[i] = static_cast<float>(w.data()[i] * factor);
    aims = planes(rule, w, false);
  }
  std::vector<Cells> cells(targets.size());
  for (std::size_t p = 0; p < cells.size(); ++p) {
    cells[p].target = targets[p];
    cells[p].programmed = aims[p];
    for (Index i = 0; i < aims[p].size(); ++i)
      cells[p].programmed.data()[i] = static_cast<float>(device.mean(aims[p].data()[i], seconds));
  }
  return cells;
}

}  // namespace

Array program_array(std::shared_ptr<const devices::DeviceModel> device, const MappingRule& rule,
                    ConstView<float> u, const devices::ProgramContext& context,
                    Programming programming, double seconds, const VerifiedWeights& verified) {
  const std::vector<Matrix<float>> targets = planes(rule, u, true);
  std::vector<Cells> cells;
  if (programming == Programming::at_target) {
    for (const Matrix<float>& target : targets) cells.push_back({target, target, {}});
  } else if (programming == Programming::at_mean) {
    cells = mean_cells(*device, rule, targets, seconds);
  } else {
    cells = drawn_cells(*device, rule, targets, context);
    if (verified.device) {
      const std::vector<Cells> careful = drawn_cells(*verified.device, rule, targets, context);
      for (std::size_t p = 0; p < cells.size(); ++p)
        for (Index r = 0; r < u.rows(); ++r)
          for (Index c = 0; c < u.columns(); ++c)
            if (verified.marks(r, c)) cells[p].programmed(r, c) = careful[p].programmed(r, c);
    }
  }
  return Array(std::move(device), std::move(cells), seconds);
}

}  // namespace ohmic::sim
