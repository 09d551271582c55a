#include "sim/spare_columns.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ohmic::sim {
namespace {

/// How far the weights of output `o` are off, in conductance, if only faults spoil them.
double fault_cost(const LayerPlan& plan, const BrokenCells& broken, ConstView<float> u, Index o,
                  Index faults_of) {
  double sum = 0;
  for (Index r = 0; r < u.columns(); ++r) {
    const MappingRule::Pair wanted = plan.rule.target(u(o, r));
    std::array<double, 2> g{wanted.positive, wanted.negative};
    std::array<bool, 2> is_broken{};
    for (std::size_t p = 0; p < broken.faults.size(); ++p)
      if (const auto fault = static_cast<devices::Fault>(broken.faults[p](faults_of, r));
          fault != devices::Fault::none) {
        is_broken[p] = true;
        g[p] = devices::broken_conductance(fault, broken.params, *plan.hardware.device);
      }
    const double difference = wanted.positive - wanted.negative;
    if (broken.params.adjusts_pairs && is_broken[0] != is_broken[1] && broken.faults.size() == 2) {
      const std::size_t other = is_broken[0] ? 1 : 0;
      g[other] = std::clamp(other == 1 ? g[0] - difference : g[1] + difference, plan.rule.g_min(),
                            plan.rule.g_max());
    }
    sum += std::fabs(g[0] - g[1] - difference);
  }
  return sum;
}

}  // namespace

BrokenCells broken_cells(const LayerPlan& plan, devices::ProgramContext context,
                         const TilePlace& place, ConstView<float> u, std::vector<Index>& rows) {
  BrokenCells broken{.params = plan.hardware.faults, .faults = {}};
  if (!broken.params.is_active()) return broken;
  const Index outputs = place.columns.size(), inputs = place.rows.size();
  const std::size_t polarities = plan.rule.mapping() == Mapping::offset ? 1 : 2;
  const Index spares = broken.params.spare_columns;
  BrokenCells spare = broken;
  for (std::size_t p = 0; p < polarities; ++p) {
    context.polarity = static_cast<Index>(p);
    broken.faults.push_back(plan.fault_map
                                ? Matrix<std::uint8_t>((*plan.fault_map)[p].view().block(
                                      place.columns.begin, place.rows.begin, outputs, inputs))
                                : devices::draw_faults(broken.params, context, outputs, inputs));
    devices::ProgramContext behind = context;
    behind.first_row = plan.mapped.rows() + place.column_tile * spares;
    spare.faults.push_back(
        plan.fault_map ? Matrix<std::uint8_t>(spares, inputs)
                       : devices::draw_faults(broken.params, behind, spares, inputs, outputs));
  }
  if (spares == 0) return broken;
  for (Index o = 0; o < outputs; ++o) rows.push_back(place.columns.begin + o);
  std::vector<double> costs;
  for (Index o = 0; o < outputs; ++o) costs.push_back(fault_cost(plan, broken, u, o, o));
  for (Index k = 0; k < spares; ++k) {
    const auto worst = std::max_element(costs.begin(), costs.end()) - costs.begin();
    if (fault_cost(plan, spare, u, worst, k) >= costs[static_cast<std::size_t>(worst)]) continue;
    for (std::size_t p = 0; p < polarities; ++p)
      std::copy_n(spare.faults[p].row(k), inputs, broken.faults[p].row(worst));
    rows[static_cast<std::size_t>(worst)] = plan.mapped.rows() + place.column_tile * spares + k;
    costs[static_cast<std::size_t>(worst)] = -1;  // replaced
  }
  return broken;
}

}  // namespace ohmic::sim
