#include "lab/report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "base/console.h"
#include "lab/report/tradeoff.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

std::string per_cent_or_dash(double fraction) {
  return std::isnan(fraction) ? "-" : per_cent(fraction);
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

/// What the columns of a grid's table are about.
std::string note_of(const PointGrid& grid) {
  if (grid.method)
    return fmt::format(
        "Accuracy in per cent: mean and spread over {} x {}, point by point, the best method "
        "first; differences from {} on the same seeds and chips, in points. 95 % intervals of the "
        "mean: for these trainings (chips are a sample), and for a new training (trainings and "
        "chips are).",
        count_of(static_cast<std::int64_t>(grid.trainings()), "training"),
        count_of(static_cast<std::int64_t>(grid.samples() / grid.trainings()), "chip"),
        grid.dimensions.back().keys.front().words.front());
  std::string note =
      "Accuracy in per cent: mean, 95 % interval of the mean, spread over samples; the best first.";
  if (grid.points() > 1)
    note += " The best of many points is a little lucky: measure it on other chips.";
  return note;
}

/// The samples of every measured point, where that is one number.
std::optional<std::size_t> common_samples(const PointGrid& grid) {
  std::set<std::size_t> counts;
  for (const PointSummary& s : grid.summaries)
    if (s.samples > 0) counts.insert(s.samples);
  return counts.size() == 1 ? std::optional(*counts.begin()) : std::nullopt;
}

/// Columns that some grids do not have.
struct OptionalColumns {
  bool samples = false, status = false, trainings = false;
  std::vector<std::pair<const char*, const std::vector<double>*>> fractions;
};

OptionalColumns optional_columns(const PointGrid& grid) {
  OptionalColumns columns;
  const bool is_measured = std::any_of(grid.summaries.begin(), grid.summaries.end(),
                                       [](const PointSummary& s) { return s.samples > 0; });
  columns.samples = is_measured && !common_samples(grid);
  columns.trainings = grid.trainings() > 1;
  columns.status =
      std::any_of(grid.status.begin(), grid.status.end(), [](std::int64_t s) { return s != 0; });
  for (const auto& [name, values] : {std::pair("float", &grid.float_accuracy),
                                     {"validation", &grid.validation_accuracy},
                                     {"added weights", &grid.overhead_weights},
                                     {"added MACs", &grid.overhead_macs}})
    if (!values->empty()) columns.fractions.emplace_back(name, values);
  return columns;
}

/// Mean difference of a comparison's point from the first method, with both intervals.
std::string difference_words(const PointGrid& grid, std::size_t point, const RandomStream& stream) {
  const std::size_t methods = grid.dimensions.back().size(), m = point % methods;
  if (m == 0 || grid.summaries[point].samples == 0) return "";
  const std::size_t settings = grid.points() / methods;
  const PointSummary g =
      summary_of(gains(grid, point, point - m), stream,
                 kDifferenceIntervals + m * settings + point / methods, grid.trainings());
  std::string words = fmt::format("{:+.2f} ({}", 100 * g.mean, points_range(g.interval));
  if (g.new_training.is_known()) words += "; new " + points_range(g.new_training);
  return words + ")";
}

Table table_of(const PointGrid& grid, const RandomStream& stream) {
  Table table{.title = grid.name, .note = note_of(grid), .columns = {}, .rows = {}, .words = 0};
  const OptionalColumns optional = optional_columns(grid);
  for (const Dimension& dimension : grid.dimensions)
    for (const AxisValues& key : dimension.keys) table.columns.push_back(key.label());
  table.words = table.columns.size();
  table.columns.emplace_back("accuracy");
  table.columns.emplace_back(optional.trainings ? "these trainings" : "95 % interval");
  if (optional.trainings) table.columns.emplace_back("a new training");
  for (const char* column : {"sd", "5th percentile", "its interval", "worst"})
    table.columns.emplace_back(column);
  if (optional.samples) table.columns.emplace_back("samples");
  if (const auto samples = common_samples(grid); samples && !grid.method)
    table.note += fmt::format(" {} samples per point.", *samples);
  if (grid.method) table.columns.emplace_back("difference");
  for (const auto& [name, values] : optional.fractions) table.columns.emplace_back(name);
  if (optional.status) table.columns.emplace_back("status");

  for (const std::size_t p : reading_order(grid)) {
    std::vector<std::string>& row = table.rows.emplace_back();
    const std::vector<std::size_t> places = grid.places(p);
    for (std::size_t d = 0; d < places.size(); ++d)
      for (const AxisValues& key : grid.dimensions[d].keys) row.push_back(key.words[places[d]]);
    const PointSummary& s = grid.summaries[p];
    row.push_back(per_cent_or_dash(s.mean));
    row.push_back(per_cent_range(s.interval));
    if (optional.trainings) row.push_back(per_cent_range(s.new_training));
    row.push_back(per_cent_or_dash(s.deviation));
    row.push_back(per_cent_or_dash(s.fifth_percentile));
    row.push_back(per_cent_range(s.of_percentile));
    row.push_back(per_cent_or_dash(s.worst));
    if (optional.samples) row.push_back(std::to_string(s.samples));
    if (grid.method) row.push_back(difference_words(grid, p, stream));
    for (const auto& [name, values] : optional.fractions)
      row.push_back(per_cent_or_dash((*values)[p]));
    if (optional.status) {
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
  for (const char* column : {"accuracy", "weights", "MACs", "reward", "evaluations"})
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
    row.push_back(per_cent_or_dash(p->overhead_macs));
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
        .columns = {"", "accuracy", "sd", "cost", "95 % interval", "over"},
        .rows = {}};
    for (std::size_t i = 0; i < budget.lines.size(); ++i) {
      const BudgetLine& line = budget.lines[i];
      Moments own;
      for (const double a : line.accuracy) own.add(a);
      std::vector<std::string>& row = table.rows.emplace_back();
      row = {line.label, per_cent(own.mean())};
      if (line.is_float) {
        row.insert(row.end(), 4, "");
        continue;
      }
      const BudgetCost cost = cost_of(budget.lines, i, budget.images, stream);
      row.push_back(line.differs_by_chip && own.count() > 1 ? per_cent(own.deviation()) : "");
      row.push_back(fmt::format("{:+.2f}", 100 * cost.mean));
      row.push_back(points_range(cost.interval));
      row.push_back(cost.interval.is_known() ? sampled_by(line) : "");
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
                            per_cent_range({deviation(v[1]), deviation(v[2])})});
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
    const std::vector<Offer> front = tradeoff.front();
    const bool has_others =
        std::any_of(front.begin(), front.end(), [](const Offer& o) { return !o.others.empty(); });
    Table table{.title = "On the front of " + tradeoff.what() +
                         (tradeoff.name.empty() ? "" : ", " + tradeoff.name),
                .note = "In per cent.",
                .columns = {"", "added weights", "added MACs", "accuracy"},
                .rows = {}};
    if (has_others) table.columns.emplace_back("besides");
    for (const Offer& o : front) {
      table.rows.push_back(
          {o.name, per_cent_or_dash(o.weights), per_cent_or_dash(o.macs), per_cent(o.accuracy)});
      if (has_others) table.rows.back().push_back(o.others);
    }
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
