#include "lab/report/tradeoff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace ohmic::lab {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// "As configured." or "At device.sigma 0.5."
std::string sentence(const std::string& point) {
  return point == "as configured" ? "As configured." : "At " + point + ".";
}

Offer offer_at(const PointGrid& grid, std::size_t point, const std::string& name) {
  return {.name = name,
          .weights = grid.overhead_weights[point],
          .macs = point < grid.overhead_macs.size() ? grid.overhead_macs[point] : kNone,
          .accuracy = grid.summaries[point].mean,
          .interval = grid.summaries[point].interval,
          .others = point < grid.other_costs.size() ? grid.other_costs[point] : ""};
}

Tradeoff of_methods(const PointGrid& grid) {
  Tradeoff tradeoff{.name = grid.name,
                    .where = sentence(grid.words(0, grid.method)),
                    .offers = {},
                    .is_named = true};
  const AxisValues& methods = grid.dimensions.back().keys.front();
  for (std::size_t m = 0; m < methods.size(); ++m)
    tradeoff.offers.push_back(offer_at(grid, m, methods.words[m]));
  return tradeoff;
}

Tradeoff of_points(const PointGrid& grid) {
  Tradeoff tradeoff;
  for (std::size_t p = 0; p < grid.overhead_weights.size(); ++p)
    if (!std::isnan(grid.overhead_weights[p]))
      tradeoff.offers.push_back(offer_at(grid, p, grid.words(p)));
  return tradeoff;
}

Tradeoff of_placements(const ReportSearch& search) {
  Tradeoff tradeoff{.name = "", .where = "Validation images, selection chips.", .offers = {}};
  std::set<std::vector<double>> seen;
  for (const ReportPlacement& p : search.evaluations)
    if (seen.insert(p.ratio).second)
      tradeoff.offers.push_back({.name = placement_words(search.candidates, p.ratio),
                                 .weights = p.overhead,
                                 .macs = p.overhead_macs,
                                 .accuracy = p.accuracy,
                                 .interval = kUnknownInterval});
  return tradeoff;
}

}  // namespace

std::vector<Offer> Tradeoff::front() const {
  std::vector<Offer> sorted = offers;
  std::erase_if(sorted,
                [&](const Offer& o) { return std::isnan(o.accuracy) || std::isnan(o.*overhead); });
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Offer& a, const Offer& b) {
    return a.*overhead != b.*overhead ? a.*overhead < b.*overhead : a.accuracy > b.accuracy;
  });
  std::vector<Offer> front;
  for (const Offer& o : sorted)
    if (front.empty() || o.accuracy > front.back().accuracy) front.push_back(o);
  return front;
}

std::vector<Tradeoff> tradeoffs_of(const ReportData& report) {
  std::vector<Tradeoff> all, of_kinds;
  if (report.search) all.push_back(of_placements(*report.search));
  for (const PointGrid& grid : report.grids)
    all.push_back(grid.method ? of_methods(grid) : of_points(grid));
  for (Tradeoff& tradeoff : all)
    for (const auto overhead : {&Offer::weights, &Offer::macs}) {
      tradeoff.overhead = overhead;
      std::set<double> amounts;
      for (const Offer& o : tradeoff.offers)
        if (!std::isnan(o.*overhead)) amounts.insert(o.*overhead);
      if (amounts.size() > 1) of_kinds.push_back(tradeoff);
    }
  return of_kinds;
}

}  // namespace ohmic::lab
