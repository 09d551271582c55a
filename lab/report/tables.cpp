#include "lab/report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/console.h"
#include "lab/report/tradeoff.h"
#include "lab/results/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

std::string per_cent_or_dash(double fraction) {
  return std::isnan(fraction) ? "-" : per_cent(fraction);
}

std::string range(const Interval& i) { return per_cent(i.low) + " .. " + per_cent(i.high); }

std::string signed_range(const Interval& i) {
  return fmt::format("{:+.2f} .. {:+.2f}", 100 * i.low, 100 * i.high);
}

std::string status_words(std::int64_t status) {
  return status == 0 ? "done" : status == 1 ? "failed" : "missing";
}

std::string decibel(const std::vector<double>& chips) {
  double sum = 0, measured = 0;
  for (const double v : chips)
    if (!std::isnan(v)) {
      sum += v;
      measured += 1;
    }
  return measured == 0 ? "-" : std::isinf(sum) ? "exact" : fmt::format("{:.1f}", sum / measured);
}

/// Accuracy of a point less that of the first method on the same samples.
std::vector<double> gains(const PointGrid& grid, std::size_t point, std::size_t first) {
  const std::vector<double>& all = grid.metrics.front().values;
  const std::size_t n = grid.samples();
  std::vector<double> gain;
  for (std::size_t s = 0; s < n; ++s) gain.push_back(all[point * n + s] - all[first * n + s]);
  return gain;
}

/// Rows in reading order: of a comparison point by point as configured, within a point and
/// elsewhere the best first; then what was not measured.
std::vector<std::size_t> reading_order(const PointGrid& grid) {
  std::vector<std::size_t> order = best_first(grid);
  for (std::size_t p = 0; p < grid.points(); ++p)
    if (grid.summaries[p].samples == 0) order.push_back(p);
  if (grid.method) {
    const std::size_t methods = grid.dimensions.back().size();
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return a / methods < b / methods; });
  }
  return order;
}

Table table_of(const PointGrid& grid, const RandomStream& stream) {
  Table table{.title = grid.name,
              .note =
                  "Accuracy in per cent: mean, 95 % interval of the mean, spread over samples; "
                  "the best first.",
              .columns = {},
              .rows = {},
              .words = 0};
  if (grid.method)
    table.note =
        "Accuracy in per cent over training seeds and chips, point by point, the best "
        "method first; differences from " +
        grid.dimensions.back().keys.front().words.front() +
        " on the same seeds and chips, in points.";
  else if (grid.points() > 1)
    table.note += " The best of many points is a little lucky: measure it on other chips.";
  for (const Dimension& dimension : grid.dimensions)
    for (const AxisValues& key : dimension.keys) table.columns.push_back(key.label());
  table.words = table.columns.size();
  for (const char* column : {"accuracy", "95 % interval", "sd", "5th percentile", "worst"})
    table.columns.emplace_back(column);
  std::set<std::size_t> counts;
  for (const PointSummary& s : grid.summaries)
    if (s.samples > 0) counts.insert(s.samples);
  const bool tells_samples = counts.size() > 1;
  if (tells_samples)
    table.columns.emplace_back("samples");
  else if (!counts.empty())
    table.note += fmt::format(" {} samples per point.", *counts.begin());
  if (grid.method) table.columns.emplace_back("difference");
  const auto column = [&](const char* name, const std::vector<double>& values) {
    if (!values.empty()) table.columns.emplace_back(name);
  };
  column("float", grid.float_accuracy);
  column("validation", grid.validation_accuracy);
  column("added weights", grid.overhead_weights);
  column("added MACs", grid.overhead_macs);
  const bool tells_status =
      std::any_of(grid.status.begin(), grid.status.end(), [](std::int64_t s) { return s != 0; });
  if (tells_status) table.columns.emplace_back("status");

  for (const std::size_t p : reading_order(grid)) {
    std::vector<std::string>& row = table.rows.emplace_back();
    const std::vector<std::size_t> places = grid.places(p);
    for (std::size_t d = 0; d < places.size(); ++d)
      for (const AxisValues& key : grid.dimensions[d].keys) row.push_back(key.words[places[d]]);
    const PointSummary& s = grid.summaries[p];
    const bool is_measured = s.samples > 0;
    row.push_back(per_cent_or_dash(s.mean));
    row.push_back(is_measured ? range(s.interval) : "-");
    row.push_back(per_cent_or_dash(s.deviation));
    row.push_back(per_cent_or_dash(s.fifth_percentile));
    row.push_back(per_cent_or_dash(s.worst));
    if (tells_samples) row.push_back(std::to_string(s.samples));
    if (grid.method) {
      const std::size_t methods = grid.dimensions.back().size(), m = p % methods;
      const std::size_t settings = grid.points() / methods, setting = p / methods;
      if (m == 0 || !is_measured) {
        row.emplace_back();
      } else {
        const std::vector<double> gain = gains(grid, p, p - m);
        const PointSummary g =
            summary_of(gain, stream, kDifferenceIntervals + m * settings + setting);
        row.push_back(fmt::format("{:+.2f} ({})", 100 * g.mean, signed_range(g.interval)));
      }
    }
    for (const auto* values : {&grid.float_accuracy, &grid.validation_accuracy,
                               &grid.overhead_weights, &grid.overhead_macs})
      if (!values->empty()) row.push_back(per_cent_or_dash((*values)[p]));
    if (tells_status) {
      row.push_back(status_words(grid.status[p]));
      if (p < grid.message.size() && !grid.message[p].empty()) row.back() += ": " + grid.message[p];
    }
  }
  return table;
}

/// Every placement once, the highest reward first.
Table placement_table(const ReportSearch& search) {
  Table table{.title = "",
              .note =
                  "Every placement once, the highest reward first. Accuracy on validation images "
                  "and selection chips, in per cent; - : beyond the overhead limit, not "
                  "measured.",
              .columns = search.candidates,
              .rows = {},
              .words = 0};
  for (const char* column : {"accuracy", "overhead", "reward", "evaluations"})
    table.columns.emplace_back(column);
  std::map<std::vector<double>, std::int64_t> count;
  std::vector<const ReportPlacement*> distinct;
  for (const ReportPlacement& p : search.evaluations)
    if (count[p.ratio]++ == 0) distinct.push_back(&p);
  std::stable_sort(distinct.begin(), distinct.end(),
                   [](const auto* a, const auto* b) { return a->reward > b->reward; });
  for (const ReportPlacement* p : distinct) {
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const double ratio : p->ratio) row.push_back(fmt::format("{:g}", ratio));
    row.push_back(per_cent_or_dash(p->accuracy));
    row.push_back(per_cent(p->overhead));
    row.push_back(fmt::format("{:.4f}", p->reward));
    row.push_back(grouped(count[p->ratio]));
  }
  return table;
}

}  // namespace

std::vector<Table> budget_tables(const ReportData& report) {
  std::vector<Table> all;
  const RandomStream stream = stream_of(report);
  for (const ReportBudget& budget : report.budgets) {
    Table table{
        .title = budget.at.empty() ? "" : "At " + budget.at,
        .note = budget.images > 0
                    ? fmt::format("{} chips, {} test images; per cent, a cost in points.",
                                  budget.lines.front().accuracy.size(), grouped(budget.images))
                    : "Per cent, a cost in points.",
        .columns = {"", "accuracy", "sd", "cost", "95 % interval"},
        .rows = {}};
    for (std::size_t i = 0; i < budget.lines.size(); ++i) {
      const BudgetLine& line = budget.lines[i];
      Moments own;
      for (const double a : line.accuracy) own.add(a);
      std::vector<std::string>& row = table.rows.emplace_back();
      row = {line.label, per_cent(own.mean())};
      if (line.is_float) {
        row.insert(row.end(), 3, "");
        continue;
      }
      const BudgetCost cost = cost_of(line, budget.lines.front(), stream, kBudgetIntervals + i);
      row.push_back(line.differs_by_chip ? per_cent(own.deviation()) : "");
      row.push_back(fmt::format("{:+.2f}", 100 * cost.mean));
      row.push_back(signed_range(cost.interval));
    }
    all.push_back(std::move(table));
  }
  return all;
}

std::vector<Table> run_tables(const ReportData& report) {
  std::vector<Table> all;
  if (!report.run || report.run->variance.empty()) return all;
  Table table{.title = "Where the spread comes from",
              .note = "Standard deviation of accuracy in points, with 95 % intervals.",
              .columns = {"from", "sd", "95 % interval"},
              .rows = {}};
  const auto deviation = [](double variance) { return std::sqrt(std::max(variance, 0.0)); };
  for (const char* level : {"chip", "programming", "read"})
    if (const auto found = report.run->variance.find(level); found != report.run->variance.end()) {
      const std::vector<double>& v = found->second;
      table.rows.push_back({std::string(level) + " to " + level, per_cent(deviation(v[0])),
                            range({deviation(v[1]), deviation(v[2])})});
    }
  all.push_back(std::move(table));
  return all;
}

std::vector<Table> layer_tables(const ReportData& report) {
  std::vector<Table> all;
  for (const ReportLayers& layers : report.layers) {
    Table table{.title = layers.at.empty() ? "" : "At " + layers.at,
                .note = "Ratios in dB, mean over chips.",
                .columns = {"layer"},
                .rows = {}};
    if (report.run) {
      table.note +=
          " Clip: per cent of the conversions beyond a converter's range; 0 tiles: "
          "a digital layer.";
      table.columns.insert(table.columns.end(), {"tiles", "MACs", "DAC clip", "ADC clip"});
    }
    const bool has_ratios = !layers.accumulated.empty();
    if (has_ratios) table.columns.insert(table.columns.end(), {"in the network", "clean inputs"});
    for (std::size_t k = 0; k < layers.names.size(); ++k) {
      std::vector<std::string>& row = table.rows.emplace_back();
      row.push_back(layers.names[k]);
      if (report.run) {
        const LayerCounts& counts = report.run->layers;
        row.push_back(grouped(counts.tiles[k]));
        row.push_back(grouped(counts.macs[k]));
        row.push_back(per_cent(counts.dac_saturation[k], 3));
        row.push_back(per_cent(counts.adc_saturation[k], 3));
      }
      if (!has_ratios) continue;
      row.push_back(decibel(layers.accumulated[k]));
      row.push_back(decibel(layers.isolated[k]));
    }
    all.push_back(std::move(table));
  }
  return all;
}

std::vector<Table> pareto_tables(const ReportData& report) {
  std::vector<Table> all;
  for (const Tradeoff& tradeoff : tradeoffs_of(report)) {
    Table table{.title = "On the front" + (tradeoff.name.empty() ? "" : ", " + tradeoff.name),
                .note = "In per cent.",
                .columns = {"", "added weights", "accuracy"},
                .rows = {}};
    for (const Offer& o : tradeoff.front())
      table.rows.push_back({o.name, per_cent(o.overhead), per_cent(o.accuracy)});
    all.push_back(std::move(table));
  }
  return all;
}

std::vector<Table> point_tables(const ReportData& report) {
  std::vector<Table> all;
  if (report.search) all.push_back(placement_table(*report.search));
  for (const PointGrid& grid : report.grids)
    if (!report.run || !grid.dimensions.empty()) all.push_back(table_of(grid, stream_of(report)));
  return all;
}

}  // namespace ohmic::lab
