#include "lab/report/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/console.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

std::string interval_words(const Interval& i) { return "95 % interval " + per_cent_range(i); }

/// Of a comparison's mean: for these trainings, and for a new one.
std::string training_words(const PointSummary& s) {
  std::string words = interval_words(s.interval) + " for these trainings";
  if (s.new_training.is_known()) words += ", " + per_cent_range(s.new_training) + " for a new one";
  return words;
}

void add_run(const ReportData& report, std::vector<Headline>& all) {
  const ReportRun& run = *report.run;
  const PointSummary s = accuracy_summary(run.chip_accuracy, stream_of(report), kAccuracyInterval);
  all.push_back({"mean accuracy", per_cent(s.mean) + " %", interval_words(s.interval)});
  all.push_back(
      {"float network", per_cent(run.float_accuracy) + " %",
       fmt::format("the hardware costs {:+.2f} points", 100 * (s.mean - run.float_accuracy))});
  all.push_back({"5th percentile", per_cent(s.fifth_percentile) + " %",
                 "95 % interval " + per_cent_range(s.of_percentile) + "; worst chip " +
                     per_cent(s.worst) + " %"});
  all.push_back({"yield", fmt::format("{:.0f} %", 100 * run.yield),
                 "of the chips at " + per_cent(run.yield_accuracy) + " % or more"});
  all.push_back(
      {"chips", grouped(static_cast<std::int64_t>(s.samples)),
       fmt::format("sd {} points; {} test images", per_cent(s.deviation), grouped(run.images))});
}

/// Of a comparison, at its first point: the best method, the first one, and their networks.
void add_compare(const ReportData& report, std::vector<Headline>& all) {
  const PointGrid& grid = report.grids.front();
  const std::vector<PointSummary>& summaries = grid.summaries;
  const AxisValues& methods = grid.dimensions.back().keys.front();
  const bool is_chosen = !grid.validation_accuracy.empty();
  const auto value = [&](std::size_t m) {
    const double v = is_chosen ? grid.validation_accuracy[m] : summaries[m].mean;
    return std::isnan(v) ? -1 : v;
  };
  std::size_t best = 0;
  for (std::size_t m = 1; m < methods.size(); ++m)
    if (value(m) > value(best)) best = m;
  const std::string at = grid.words(0, grid.method);
  all.push_back({"best method, " + at, methods.words[best],
                 is_chosen ? "chosen on validation images and selection chips"
                           : "by the test set itself (no selection chips)"});
  all.push_back(
      {"its accuracy", per_cent(summaries[best].mean) + " %", training_words(summaries[best])});
  all.push_back(
      {methods.words[0], per_cent(summaries[0].mean) + " %", training_words(summaries[0])});
  all.push_back({"float network, " + methods.words[0], per_cent(grid.float_accuracy[0]) + " %",
                 "mean over training seeds"});
  all.push_back(
      {"measured", count_of(static_cast<std::int64_t>(methods.size()), "method"),
       fmt::format("{} x {}, {}",
                   count_of(static_cast<std::int64_t>(grid.sample_axes[0].size()), "training"),
                   count_of(static_cast<std::int64_t>(grid.sample_axes[1].size()), "chip"),
                   count_of(static_cast<std::int64_t>(grid.points() / methods.size()), "point"))});
}

void add_search(const ReportSearch& search, std::vector<Headline>& all) {
  all.push_back({"placement", placement_words(search.chosen_layers, search.chosen_ratios),
                 "compensated layers and their ratios"});
  const auto best = std::max_element(
      search.evaluations.begin(), search.evaluations.end(),
      [](const ReportPlacement& a, const ReportPlacement& b) { return a.reward < b.reward; });
  if (best != search.evaluations.end()) {
    all.push_back({"accuracy", std::isnan(best->accuracy) ? "-" : per_cent(best->accuracy) + " %",
                   "validation images, selection chips"});
    all.push_back({"overhead", per_cent(best->overhead) + " %",
                   std::isnan(best->overhead_macs)
                       ? "of the network's weights"
                       : "of the network's weights, " + per_cent(best->overhead_macs) +
                             " % of its multiply-accumulates"});
  }
  all.push_back({"evaluations", grouped(static_cast<std::int64_t>(search.evaluations.size())),
                 "of placements, some more than once"});
}

void add_sweep(const ReportData& report, std::vector<Headline>& all) {
  const PointGrid& grid = report.grids.front();
  const std::vector<PointSummary>& summaries = grid.summaries;
  const std::vector<std::size_t> order = best_first(grid);
  const auto add = [&](const char* label, std::size_t point) {
    all.push_back({label, per_cent(summaries[point].mean) + " %",
                   grid.words(point) + "; " + interval_words(summaries[point].interval)});
  };
  if (!order.empty()) add("best point", order.front());
  if (order.size() > 1) add("worst point", order.back());
  if (!order.empty() && !grid.float_accuracy.empty())
    all.push_back({"float network", per_cent(grid.float_accuracy[order.front()]) + " %",
                   "of the best point"});
  const auto with = [&](std::int64_t status) {
    return std::count(grid.status.begin(), grid.status.end(), status);
  };
  all.push_back({"points", grouped(static_cast<std::int64_t>(order.size())),
                 grid.status.empty()
                     ? "measured"
                     : fmt::format("measured; {} failed, {} missing", with(1), with(2))});
  all.push_back(
      {"chips", grouped(static_cast<std::int64_t>(grid.samples())), "per point, at most"});
}

std::vector<Figure> joined(std::vector<Figure> first, std::vector<Figure> then) {
  first.insert(first.end(), std::move_iterator(then.begin()), std::move_iterator(then.end()));
  return first;
}

}  // namespace

std::vector<Headline> headlines_of(const ReportData& report) {
  std::vector<Headline> all;
  if (report.run)
    add_run(report, all);
  else if (report.search)
    add_search(*report.search, all);
  else if (report.command == "compare")
    add_compare(report, all);
  else
    add_sweep(report, all);
  return all;
}

std::vector<Section> sections_of(const ReportData& report) {
  std::vector<Section> all{
      {.id = "budget",
       .title = "Error budget",
       .note = "What each part of the hardware costs alone, on the same chips and images: accuracy "
               "less that of the float network, in points, with 95 % intervals over chips, or over "
               "images "
               "where a line is the same for all chips.",
       .figures = budget_figures(report),
       .tables = budget_tables(report)},
      {.id = "accuracy",
       .title = report.run ? "Accuracy of the chips" : "Accuracy along the axes",
       .note = "Per cent of the test images; bars are 95 % intervals of the mean over chips.",
       .figures = joined(accuracy_figures(report), heat_map_figures(report)),
       .tables = run_tables(report)},
      {.id = "layers",
       .title = "Layers",
       .note = report.search ? "Accuracy with variation in a part of the layers."
                             : "Signal-to-error ratio of every layer's outputs against the float "
                               "network's: with the errors of earlier layers, and on clean inputs.",
       .figures = layer_figures(report),
       .tables = layer_tables(report)},
      {.id = "pareto",
       .title = "Pareto front",
       .note =
           "Accuracy against digital overhead. On the front, nothing else is at once better and "
           "no larger.",
       .figures = pareto_figures(report),
       .tables = pareto_tables(report)},
      {.id = "points",
       .title = report.search ? "Placements" : "Points",
       .note = "",
       .figures = {},
       .tables = point_tables(report),
       .folds = true},
  };
  std::erase_if(all, [](const Section& s) { return s.figures.empty() && s.tables.empty(); });
  return all;
}

}  // namespace ohmic::lab
