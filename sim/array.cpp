#include "sim/array.h"

#include <algorithm>
#include <cmath>

#include "devices/write_verify.h"

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
             double seconds, bool ages, BrokenCells broken)
    : device_(std::move(device)),
      cells_(std::move(cells)),
      seconds_(seconds),
      ages_(ages),
      broken_(std::move(broken)) {
  for (std::size_t p = 0; p < cells_.size(); ++p) {
    const Cells& c = cells_[p];
    now_.push_back(c.programmed);
    if (ages_) device_->conductance(c, seconds, now_.back());
    broken_.put(p, *device_, now_.back());
    if (now_.back() == c.programmed) now_.back() = {};
  }
}

void BrokenCells::put(std::size_t polarity, const devices::DeviceModel& device,
                      View<float> g) const {
  if (faults.empty()) return;
  for (Index r = 0; r < g.rows(); ++r)
    for (Index c = 0; c < g.columns(); ++c)
      if (const auto fault = static_cast<devices::Fault>(faults[polarity](r, c));
          fault != devices::Fault::none)
        g(r, c) = static_cast<float>(devices::broken_conductance(fault, params, device));
}

void Array::cell_read(const devices::CellRead& read, devices::CellMemory& memory,
                      View<float> out) const {
  const auto polarity = static_cast<std::size_t>(read.polarity);
  for (Index r = 0; r < out.rows(); ++r)
    std::copy_n(conductance(polarity).row(r), out.columns(), out.row(r));
  device_->cell_reads()->apply(cells_[polarity], seconds_, read, memory, out);
  broken_.put(polarity, *device_, out);
}

std::int64_t CellCounts::pulses() const {
  std::int64_t sum = 0;
  for (std::size_t n = 0; n < with_pulses.size(); ++n)
    sum += static_cast<std::int64_t>(n) * with_pulses[n];
  return sum;
}

std::int64_t CellCounts::verified() const {
  std::int64_t sum = 0;
  for (const std::int64_t count : with_pulses) sum += count;
  return sum;
}

void CellCounts::add(const CellCounts& other) {
  gave_up += other.gave_up;
  cells += other.cells;
  broken += other.broken;
  above_g_max += other.above_g_max;
  clipped_at_zero += other.clipped_at_zero;
  with_pulses.resize(std::max(with_pulses.size(), other.with_pulses.size()));
  for (std::size_t n = 0; n < other.with_pulses.size(); ++n) with_pulses[n] += other.with_pulses[n];
}

CellCounts Array::counts() const {
  constexpr double kRounding = 1e-6;
  const double top = device_->g_max() * (1 + kRounding);
  CellCounts sum;
  for (const Cells& c : cells_) {
    for (Index i = 0; i < c.programmed.size(); ++i) {
      ++sum.cells;
      sum.above_g_max += c.programmed.data()[i] > top;
      sum.clipped_at_zero += c.programmed.data()[i] <= 0 && c.target.data()[i] > 0;
    }
    if (c.has_plane(devices::kGaveUpPlane))
      for (Index i = 0; i < c.programmed.size(); ++i)
        sum.gave_up += c.plane(devices::kGaveUpPlane).data()[i] != 0;
    for (const devices::NamedPlane& plane : c.state)
      for (Index i = 0; plane.name == devices::kPulsePlane && i < plane.values.size(); ++i) {
        const auto pulses = static_cast<std::size_t>(plane.values.data()[i]);
        if (pulses >= sum.with_pulses.size()) sum.with_pulses.resize(pulses + 1);
        ++sum.with_pulses[pulses];
      }
  }
  for (const Matrix<std::uint8_t>& faults : broken_.faults)
    for (Index i = 0; i < faults.size(); ++i) sum.broken += faults.data()[i] != 0;
  return sum;
}

Matrix<float> Array::read_sigma(std::size_t polarity) const {
  const ConstView<float> now = conductance(polarity);
  Matrix<float> sigma(now.rows(), now.columns());
  device_->read_sigma(cells_[polarity], now, seconds_, sigma);
  return sigma;
}

namespace {

/// Gives the working device of a pair the conductance that leaves the difference as it was, within
/// the range and on a level of the cell.
void adjust_pairs(std::vector<Matrix<float>>& planes, const BrokenCells& broken,
                  const devices::DeviceModel& device, const MappingRule& rule, bool quantised) {
  if (broken.faults.size() != 2 || !broken.params.adjusts_pairs) return;
  for (Index i = 0; i < planes[0].size(); ++i) {
    const bool first = broken.faults[0].data()[i] != 0, second = broken.faults[1].data()[i] != 0;
    if (first == second) continue;
    const std::size_t stuck = first ? 0 : 1;
    const double g = devices::broken_conductance(
        static_cast<devices::Fault>(broken.faults[stuck].data()[i]), broken.params, device);
    const double difference = static_cast<double>(planes[0].data()[i]) - planes[1].data()[i];
    const double other =
        std::clamp(first ? g - difference : g + difference, rule.g_min(), rule.g_max());
    planes[1 - stuck].data()[i] =
        static_cast<float>(quantised ? rule.quantised({other, other}).positive : other);
  }
}

/// What `device` draws for the targets: weight-level models act on the weight that the levels stand
/// for, which is then mapped without quantising again.
std::vector<Cells> drawn_cells(const devices::DeviceModel& device, const MappingRule& rule,
                               const std::vector<Matrix<float>>& targets,
                               const devices::ProgramContext& context, const BrokenCells& broken) {
  const Matrix<float> w = read_back(rule, targets);
  Matrix<float> w_tilde(w.rows(), w.columns());
  const devices::WeightModel* on_weight = device.weights();
  if (on_weight) on_weight->perturb(context, w, w_tilde);
  std::vector<Matrix<float>> aims = on_weight ? planes(rule, w_tilde, false) : targets;
  adjust_pairs(aims, broken, device, rule, !on_weight);
  std::vector<Cells> cells(targets.size());
  for (std::size_t p = 0; p < cells.size(); ++p) {
    Matrix<float> broken_g;  // NaN where a cell works
    if (!broken.faults.empty()) {
      broken_g = Matrix<float>(aims[p].rows(), aims[p].columns(), std::nanf(""));
      broken.put(p, device, broken_g);
    }
    devices::ProgramContext at = context;
    at.polarity = static_cast<Index>(p);
    at.broken = broken_g.view();
    device.program(at, aims[p], cells[p]);
    if (on_weight) cells[p].target = targets[p];
  }
  return cells;
}

/// The mean conductance over targets. Models that age have no closed form, only integrals: they are
/// evaluated on a grid and joined by lines (off by less than 1e-4 of g_max).
class MeanCurve {
 public:
  MeanCurve(const devices::DeviceModel& device, const std::vector<Matrix<float>>& targets,
            double seconds)
      : device_(device), seconds_(seconds) {
    Index cells = 0;
    for (const Matrix<float>& plane : targets) {
      cells += plane.size();
      for (Index i = 0; i < plane.size(); ++i) {
        low_ = std::min<double>(low_, plane.data()[i]);
        high_ = std::max<double>(high_, plane.data()[i]);
      }
    }
    if (!device.changes_with_time() || cells <= kNodes || !(low_ < high_)) return;
    for (Index i = 0; i < kNodes; ++i)
      nodes_.push_back(device.mean(
          low_ + (high_ - low_) * static_cast<double>(i) / static_cast<double>(kNodes - 1),
          seconds));
  }
  double operator()(double g) const {
    if (nodes_.empty()) return device_.mean(g, seconds_);
    const double at = (g - low_) / (high_ - low_) * static_cast<double>(kNodes - 1);
    const auto node = static_cast<std::size_t>(std::min(at, static_cast<double>(kNodes - 2)));
    return nodes_[node] + (at - static_cast<double>(node)) * (nodes_[node + 1] - nodes_[node]);
  }

 private:
  static constexpr Index kNodes = 513;
  const devices::DeviceModel& device_;
  double seconds_, low_ = 1e300, high_ = -1e300;
  std::vector<double> nodes_;
};

/// Every device at its model's mean after `seconds`.
std::vector<Cells> mean_cells(const devices::DeviceModel& device, const MappingRule& rule,
                              const std::vector<Matrix<float>>& targets, double seconds) {
  const devices::WeightModel* on_weight = device.weights();
  const std::vector<Matrix<float>> clean =
      on_weight ? planes(rule, read_back(rule, targets), false) : targets;
  // What variation of a weight does not reach: the conductance of weight 0.
  const MappingRule::Pair zero = rule.exact(0);
  const MeanCurve mean(device, targets, seconds);
  std::vector<Cells> cells(targets.size());
  for (std::size_t p = 0; p < cells.size(); ++p) {
    const double base = p == 0 ? zero.positive : zero.negative;
    cells[p].target = cells[p].programmed = targets[p];
    for (Index i = 0; i < targets[p].size(); ++i) {
      const double g = clean[p].data()[i];
      cells[p].programmed.data()[i] =
          static_cast<float>(on_weight ? on_weight->mean_of_cell(base, g - base) : mean(g));
    }
  }
  return cells;
}

/// Marked weights at the mean of what verification leaves, and what `device` does to it on average
/// until `seconds`.
void put_verified_means(const devices::DeviceModel& device, const MappingRule& rule,
                        const std::vector<Matrix<float>>& targets, double seconds,
                        const VerifiedWeights& verified, std::vector<Cells>& cells) {
  const std::vector<Cells> careful = mean_cells(*verified.device, rule, targets, 0);
  const bool drifts = device.changes_with_time() && seconds > 0;
  const MeanCurve fresh(device, targets, 0), later(device, targets, seconds);
  for (std::size_t p = 0; p < cells.size(); ++p)
    for (Index r = 0; r < targets[p].rows(); ++r)
      for (Index c = 0; c < targets[p].columns(); ++c) {
        if (!verified.marks(r, c)) continue;
        const double g = targets[p](r, c), drift = drifts ? later(g) - fresh(g) : 0.0;
        cells[p].programmed(r, c) =
            static_cast<float>(std::max(careful[p].programmed(r, c) + drift, 0.0));
      }
}

}  // namespace

Array program_array(std::shared_ptr<const devices::DeviceModel> device, const MappingRule& rule,
                    ConstView<float> u, const devices::ProgramContext& context,
                    Programming programming, double seconds, const VerifiedWeights& verified,
                    BrokenCells broken) {
  std::vector<Matrix<float>> targets = planes(rule, u, true);
  std::vector<Cells> cells;
  if (programming == Programming::drawn || (device->cell_reads() && context.stream))
    cells = drawn_cells(*device, rule, targets, context, broken);
  if (programming == Programming::at_target) {
    adjust_pairs(targets, broken, *device, rule, true);
    cells.resize(targets.size());
    for (std::size_t p = 0; p < cells.size(); ++p)
      cells[p].target = cells[p].programmed = targets[p];
  } else if (programming == Programming::at_mean) {
    cells = mean_cells(*device, rule, targets, seconds);
    if (verified.device) put_verified_means(*device, rule, targets, seconds, verified, cells);
  } else if (verified.device) {
    const std::vector<Cells> careful =
        drawn_cells(*verified.device, rule, targets, context, broken);
    for (std::size_t p = 0; p < cells.size(); ++p)
      for (Index r = 0; r < u.rows(); ++r)
        for (Index c = 0; c < u.columns(); ++c)
          if (verified.marks(r, c)) device->put(cells[p], r, c, careful[p].programmed(r, c));
  }
  return Array(std::move(device), std::move(cells), seconds, programming == Programming::drawn,
               std::move(broken));
}

}  // namespace ohmic::sim
