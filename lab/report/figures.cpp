#include "lab/report/figures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/console.h"
#include "lab/plots/svg_bars.h"
#include "lab/plots/svg_heat_map.h"
#include "lab/plots/svg_plot.h"
#include "lab/report/tradeoff.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostSeries = 8;    // beyond, lines cannot be told apart
constexpr double kLogarithmicRatio = 50;  // of the largest to the smallest value
constexpr const char* kAccuracyLabel = "accuracy (%)";

/// A name that a file and a link can have.
std::string plain(const std::string& words) {
  std::string out;
  for (const char c : words) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
    if (is_plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  return out;
}

std::string titled(const std::string& title, const PointGrid& grid) {
  return grid.name.empty() ? title : title + ", " + grid.name;
}

std::string named(const std::string& name, const PointGrid& grid) {
  return plain(grid.name.empty() ? name : name + "-" + grid.name);
}

PlotSeries series_named(const std::string& name, bool joined = true) {
  return {.name = name, .x = {}, .y = {}, .low = {}, .high = {}, .joined = joined};
}

void add(PlotSeries& series, double x, const PointSummary& s) {
  series.x.push_back(x);
  series.y.push_back(100 * s.mean);
  series.low.push_back(100 * s.interval.low);
  series.high.push_back(100 * s.interval.high);
}

/// Places of an axis from low to high; words stay in the file's order.
std::vector<std::size_t> ascending(const AxisValues& axis) {
  std::vector<std::size_t> places(axis.size());
  std::iota(places.begin(), places.end(), 0);
  if (axis.is_numeric())
    std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
      return axis.numbers[a] < axis.numbers[b];
    });
  return places;
}

/// A plot of accuracy whose x axis is `axis`: its numbers, or its words side by side.
Plot plot_over(const AxisValues& axis, const std::string& title) {
  Plot plot{.title = title,
            .x_label = axis.label(),
            .y_label = kAccuracyLabel,
            .series = {},
            .legend_is_below = true};
  if (!axis.is_numeric()) {
    plot.x_words = axis.words;
    return plot;
  }
  double low = INFINITY, high = 0;
  bool has_zero = false;
  for (const double x : axis.numbers) {
    if (x < 0) return plot;
    has_zero |= x == 0;
    if (x > 0) low = std::min(low, x);
    high = std::max(high, x);
  }
  plot.x_is_logarithmic = axis.size() > 2 && high >= kLogarithmicRatio * low;
  if (plot.x_is_logarithmic && has_zero) plot.x_label += "; 0 at the left edge";
  return plot;
}

double x_of(const AxisValues& axis, std::size_t place) {
  return axis.is_numeric() ? axis.numbers[place] : static_cast<double>(place);
}

/// The dimension whose values are lines of their own in a plot along `along`: the methods, else the
/// first of few values.
std::optional<std::size_t> dimension_of_lines(const PointGrid& grid, std::size_t along) {
  if (grid.method && grid.method != along) return grid.method;
  for (std::size_t d = 0; d < grid.dimensions.size(); ++d)
    if (d != along && grid.dimensions[d].size() <= kMostSeries) return d;
  return std::nullopt;
}

Figure along_dimension(const PointGrid& grid, std::size_t along, const RandomStream& stream) {
  const Dimension& dimension = grid.dimensions[along];
  const AxisValues& axis = dimension.keys.front();
  Plot plot = plot_over(axis, titled("Accuracy against " + axis.key, grid));
  const std::optional<std::size_t> lines = dimension_of_lines(grid, along);
  std::vector<std::string> others;
  for (std::size_t d = 0; d < grid.dimensions.size(); ++d)
    if (d != along && d != lines) others.push_back(grid.dimensions[d].keys.front().key);
  const std::size_t count = lines ? grid.dimensions[*lines].size() : 1;
  for (std::size_t line = 0; line < count; ++line) {
    PlotSeries series =
        series_named(!lines                 ? "mean of the chips"
                     : lines == grid.method ? grid.dimensions[*lines].keys.front().words[line]
                                            : grid.dimensions[*lines].words(line),
                     axis.is_numeric());
    for (const std::size_t place : ascending(axis)) {
      std::vector<std::optional<std::size_t>> places(grid.dimensions.size());
      places[along] = place;
      if (lines) places[*lines] = line;
      std::uint64_t statistic = kAccuracyInterval;
      if (others.empty()) {
        std::vector<std::size_t> one;
        for (const auto& p : places) one.push_back(*p);
        statistic = grid.statistic[grid.point(one)];
      }
      add(series, x_of(axis, place),
          accuracy_summary(averaged(grid, places), stream, statistic, grid.trainings()));
    }
    plot.series.push_back(std::move(series));
  }
  std::string caption = lines && lines != grid.method
                            ? "Lines: " + grid.dimensions[*lines].keys.front().key + "."
                            : "";
  if (!others.empty())
    caption += fmt::format("{}Averaged over {}, chip by chip.", caption.empty() ? "" : " ",
                           fmt::join(others, ", "));
  if (dimension.keys.size() > 1) {
    std::vector<std::string> with;
    for (std::size_t k = 1; k < dimension.keys.size(); ++k) with.push_back(dimension.keys[k].key);
    caption +=
        fmt::format("{}{} changes with it.", caption.empty() ? "" : " ", fmt::join(with, ", "));
  }
  return {named("accuracy-" + axis.key, grid), to_svg(plot), caption};
}

/// Points of a sample against one of its keys.
Figure along_key(const PointGrid& grid, const AxisValues& key) {
  AxisValues axis = key;
  if (!key.is_numeric()) {  // each word once
    const std::set<std::string> words(key.words.begin(), key.words.end());
    axis.words.assign(words.begin(), words.end());
  }
  Plot plot = plot_over(axis, titled("Accuracy against " + key.key, grid));
  PlotSeries series = series_named("sampled points", false);
  for (std::size_t p = 0; p < key.size(); ++p) {
    const auto word = std::find(axis.words.begin(), axis.words.end(), key.words[p]);
    add(series, key.is_numeric() ? key.numbers[p] : static_cast<double>(word - axis.words.begin()),
        grid.summaries[p]);
  }
  plot.series = {std::move(series)};
  return {named("accuracy-" + key.key, grid), to_svg(plot),
          "Every point of the sample; the other keys differ from point to point."};
}

Figure yield_figure(const ReportRun& run) {
  std::vector<double> sorted = run.chip_accuracy;
  std::sort(sorted.begin(), sorted.end());
  PlotSeries chips = series_named("chips");
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    chips.x.push_back(100 * sorted[i]);
    chips.y.push_back(100 * static_cast<double>(sorted.size() - i) /
                      static_cast<double>(sorted.size()));
  }
  PlotSeries network = series_named("float network");
  network.x = {100 * run.float_accuracy, 100 * run.float_accuracy};
  network.y = {0, 100};
  network.marked = false;
  const Plot plot{.title = "Fraction of the chips at an accuracy or more",
                  .x_label = kAccuracyLabel,
                  .y_label = "fraction of the chips (%)",
                  .series = {std::move(chips), std::move(network)},
                  .legend_is_below = true};
  return {"chips", to_svg(plot), "A dot a chip, mean over its programmings and reads."};
}

/// A value beside a cell: four digits are enough to tell it.
std::string brief(const AxisValues& axis, std::size_t place) {
  return axis.is_numeric() ? fmt::format("{:.4g}", axis.numbers[place]) : axis.words[place];
}

/// The first two dimensions, the others at the best point.
std::optional<Figure> heat_map(const PointGrid& grid) {
  const std::vector<std::size_t> order = best_first(grid);
  if (grid.dimensions.size() < 2 || order.empty()) return std::nullopt;
  const AxisValues &across = grid.dimensions[0].keys.front(), &up = grid.dimensions[1].keys.front();
  HeatMap map{.title = titled("Accuracy over " + across.key + " and " + up.key, grid),
              .x_label = across.label(),
              .y_label = up.label(),
              .value_label = kAccuracyLabel,
              .x_words = {},
              .y_words = {},
              .values = {},
              .notes = {}};
  std::vector<std::size_t> places = grid.places(order.front());
  const std::vector<std::size_t> columns = ascending(across);
  std::vector<std::size_t> rows = ascending(up);
  if (!up.is_numeric()) std::reverse(rows.begin(), rows.end());  // a list is read downwards
  for (const std::size_t column : columns) map.x_words.push_back(brief(across, column));
  for (const std::size_t row : rows) {
    map.y_words.push_back(brief(up, row));
    for (const std::size_t column : columns) {
      places[0] = column;
      places[1] = row;
      const std::size_t point = grid.point(places);
      const PointSummary& s = grid.summaries[point];
      map.values.push_back(s.samples > 0 ? 100 * s.mean : kNothing);
      map.notes.push_back(s.samples == 0
                              ? (!grid.status.empty() && grid.status[point] == 1 ? "(failed)" : "")
                              : "(" + per_cent_range(s.interval) + ")");
    }
  }
  std::string fixed;
  places = grid.places(order.front());
  for (std::size_t d = 2; d < places.size(); ++d)
    fixed += (fixed.empty() ? "" : ", ") + grid.dimensions[d].words(places[d]);
  return Figure{named("heat-map-" + across.key + "-" + up.key, grid), to_svg(map),
                fixed.empty() ? "" : "The others where the best point has them: " + fixed + "."};
}

PlotSeries line_through(const Tradeoff& tradeoff) {
  PlotSeries line = series_named("Pareto front");
  for (const Offer& o : tradeoff.front()) {
    line.x.push_back(100 * o.*tradeoff.overhead);
    line.y.push_back(100 * o.accuracy);
  }
  line.marked = false;
  return line;
}

Figure front_figure(const Tradeoff& tradeoff) {
  const std::string of = tradeoff.name.empty() ? "" : ", " + tradeoff.name;
  Plot plot{.title = "Accuracy against added " + tradeoff.what() + of,
            .x_label = "digital " + tradeoff.what() + " added (% of the network's)",
            .y_label = kAccuracyLabel,
            .series = {},
            .legend_is_below = true};
  for (const Offer& o : tradeoff.offers) {
    if (tradeoff.is_named || plot.series.empty())
      plot.series.push_back(series_named(!tradeoff.is_named ? "measured"
                                         : o.others.empty() ? o.name
                                                            : o.name + ": " + o.others,
                                         false));
    if (std::isnan(o.accuracy) || std::isnan(o.*tradeoff.overhead)) continue;
    PlotSeries& series = plot.series.back();
    series.x.push_back(100 * o.*tradeoff.overhead);
    series.y.push_back(100 * o.accuracy);
    if (!o.interval.is_known()) continue;
    series.low.push_back(100 * o.interval.low);
    series.high.push_back(100 * o.interval.high);
  }
  plot.series.push_back(line_through(tradeoff));
  return {plain("pareto" + (tradeoff.what() == "weights" ? "" : " " + tradeoff.what()) + of),
          to_svg(plot), tradeoff.where};
}

Figure layer_figure(const ReportLayers& layers, std::size_t number, const RandomStream& stream) {
  Plot plot{.title = "Signal-to-error ratio of the layers",
            .x_label = "layer",
            .y_label = "signal to error (dB)",
            .series = {},
            .x_words = layers.names,
            .legend_is_below = true};
  const auto add_part = [&](const char* name, const std::vector<std::vector<double>>& rows) {
    PlotSeries series = series_named(name);
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
      std::vector<double> finite;
      for (const double v : rows[layer])
        if (std::isfinite(v)) finite.push_back(v);
      const PointSummary s = summary_of(finite, stream, kLayerIntervals + layer);
      series.x.push_back(static_cast<double>(layer));
      series.y.push_back(s.mean);
      series.low.push_back(s.interval.low);
      series.high.push_back(s.interval.high);
    }
    plot.series.push_back(std::move(series));
  };
  add_part("errors of earlier layers included", layers.accumulated);
  add_part("clean inputs", layers.isolated);
  return {number == 0 ? "layers" : fmt::format("layers-{}", number + 1), to_svg(plot),
          (layers.at.empty() ? "" : "At " + layers.at + ". ") +
              "Mean over chips, 95 % intervals; a layer without a dot is digital or exact."};
}

Figure candidate_figure(const ReportSearch& search) {
  PlotSeries onward = series_named("from this layer on"),
             alone = series_named("in this layer only");
  Plot plot{.title = "Variation in a part of the layers",
            .x_label = "layer",
            .y_label = kAccuracyLabel,
            .series = {},
            .legend_is_below = true};
  for (std::size_t k = 0; k < search.from_layer_on.size(); ++k) {
    plot.x_words.push_back(std::to_string(k + 1));
    onward.x.push_back(static_cast<double>(k));
    onward.y.push_back(100 * search.from_layer_on[k]);
    alone.x.push_back(static_cast<double>(k));
    alone.y.push_back(100 * search.only_layer[k]);
  }
  plot.series = {std::move(onward), std::move(alone)};
  return {"candidates", to_svg(plot),
          "Layers that are products, in order; this is how a search finds its candidates."};
}

}  // namespace

std::vector<Figure> budget_figures(const ReportData& report) {
  std::vector<Figure> all;
  const RandomStream stream = stream_of(report);
  for (const ReportBudget& budget : report.budgets) {
    BarChart chart{.title = "What the hardware costs", .value_label = "cost (points)", .bars = {}};
    for (std::size_t i = 1; i < budget.lines.size(); ++i) {
      const BudgetLine& line = budget.lines[i];
      const BudgetCost cost = cost_of(budget.lines, i, budget.images, stream);
      chart.bars.push_back(
          {line.label, 100 * cost.mean, 100 * cost.interval.low, 100 * cost.interval.high});
    }
    all.push_back({all.empty() ? "budget" : fmt::format("budget-{}", all.size() + 1), to_svg(chart),
                   budget.at.empty() ? "" : "At " + budget.at + "."});
  }
  return all;
}

std::vector<Figure> accuracy_figures(const ReportData& report) {
  std::vector<Figure> all;
  if (report.run) all.push_back(yield_figure(*report.run));
  const RandomStream stream = stream_of(report);
  for (const PointGrid& grid : report.grids)
    for (std::size_t d = 0; d < grid.dimensions.size(); ++d) {
      if (d == grid.method && grid.dimensions.size() > 1) continue;  // the methods are lines
      if (!grid.dimensions[d].is_sample) {
        all.push_back(along_dimension(grid, d, stream));
        continue;
      }
      for (const AxisValues& key : grid.dimensions[d].keys) all.push_back(along_key(grid, key));
    }
  return all;
}

std::vector<Figure> heat_map_figures(const ReportData& report) {
  std::vector<Figure> all;
  for (const PointGrid& grid : report.grids)
    if (auto figure = heat_map(grid)) all.push_back(std::move(*figure));
  return all;
}

std::vector<Figure> layer_figures(const ReportData& report) {
  std::vector<Figure> all;
  for (const ReportLayers& layers : report.layers)
    if (!layers.accumulated.empty())
      all.push_back(layer_figure(layers, all.size(), stream_of(report)));
  if (report.search && !report.search->from_layer_on.empty())
    all.push_back(candidate_figure(*report.search));
  return all;
}

std::vector<Figure> pareto_figures(const ReportData& report) {
  std::vector<Figure> all;
  for (const Tradeoff& tradeoff : tradeoffs_of(report)) all.push_back(front_figure(tradeoff));
  return all;
}

}  // namespace ohmic::lab
