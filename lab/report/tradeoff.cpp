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

Tradeoff of_methods(const PointGrid& grid) {
  Tradeoff tradeoff{.name = grid.name,
                    .where = sentence(grid.words(0, grid.method)),
                    .offers = {},
                    .is_named = true};
  const AxisValues& methods = grid.dimensions.back().keys.front();
  for (std::size_t m = 0; m < methods.size(); ++m)
    tradeoff.offers.push_back({methods.words[m], grid.overhead_weights[m], grid.summaries[m].mean,
                               grid.summaries[m].interval});
  return tradeoff;
}

Tradeoff of_points(const PointGrid& grid) {
  Tradeoff tradeoff;
  for (std::size_t p = 0; p < grid.overhead_weights.size(); ++p)
    if (!std::isnan(grid.overhead_weights[p]))
      tradeoff.offers.push_back({grid.words(p), grid.overhead_weights[p], grid.summaries[p].mean,
                                 grid.summaries[p].interval});
  return tradeoff;
}

Tradeoff of_placements(const ReportSearch& search) {
  Tradeoff tradeoff{.name = "", .where = "Validation images, selection chips.", .offers = {}};
  std::set<std::vector<double>> seen;
  for (const ReportPlacement& p : search.evaluations)
    if (seen.insert(p.ratio).second)
      tradeoff.offers.push_back(
          {placement_words(search.candidates, p.ratio), p.overhead, p.accuracy, {kNone, kNone}});
  return tradeoff;
}

}  // namespace

std::vector<Offer> Tradeoff::front() const {
  std::vector<Offer> sorted = offers;
  std::erase_if(sorted, [](const Offer& o) { return std::isnan(o.accuracy); });
  std::stable_sort(sorted.begin(), sorted.end(), [](const Offer& a, const Offer& b) {
    return a.overhead != b.overhead ? a.overhead < b.overhead : a.accuracy > b.accuracy;
  });
  std::vector<Offer> front;
  for (const Offer& o : sorted)
    if (front.empty() || o.accuracy > front.back().accuracy) front.push_back(o);
  return front;
}

std::vector<Tradeoff> tradeoffs_of(const ReportData& report) {
  std::vector<Tradeoff> all;
  if (report.search) all.push_back(of_placements(*report.search));
  for (const PointGrid& grid : report.grids)
    all.push_back(grid.method ? of_methods(grid) : of_points(grid));
  std::erase_if(all, [](const Tradeoff& t) {
    std::set<double> overheads;
    for (const Offer& o : t.offers) overheads.insert(o.overhead);
    return overheads.size() < 2;
  });
  return all;
}

}  // namespace ohmic::lab
