#include "lab/report/point_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "io/config.h"
#include "lab/results/comparison.h"

namespace ohmic::lab {

std::string AxisValues::label() const {
  return units.empty() || units == "1" ? key : key + " [" + units + "]";
}

AxisValues axis_of_numbers(const std::string& key, const std::vector<double>& numbers) {
  AxisValues axis{.key = key, .units = "", .words = {}, .numbers = numbers};
  for (const double number : numbers) axis.words.push_back(shortest(number));
  return axis;
}

std::string Dimension::words(std::size_t place) const {
  std::string words;
  for (const AxisValues& key : keys)
    words += (words.empty() ? "" : ", ") + key.key + " " + key.words[place];
  return words;
}

std::size_t PointGrid::points() const {
  std::size_t product = 1;
  for (const Dimension& d : dimensions) product *= d.size();
  return product;
}

std::size_t PointGrid::samples() const {
  std::size_t product = 1;
  for (const AxisValues& axis : sample_axes) product *= axis.size();
  return product;
}

std::vector<std::size_t> PointGrid::places(std::size_t point) const {
  std::vector<std::size_t> places(dimensions.size());
  for (std::size_t d = dimensions.size(); d-- > 0;) {
    places[d] = point % dimensions[d].size();
    point /= dimensions[d].size();
  }
  return places;
}

std::size_t PointGrid::point(const std::vector<std::size_t>& places) const {
  std::size_t point = 0;
  for (std::size_t d = 0; d < dimensions.size(); ++d)
    point = point * dimensions[d].size() + places[d];
  return point;
}

std::string PointGrid::words(std::size_t point, std::optional<std::size_t> leave_out) const {
  const std::vector<std::size_t> at = places(point);
  std::string words;
  for (std::size_t d = 0; d < dimensions.size(); ++d)
    if (d != leave_out) words += (words.empty() ? "" : ", ") + dimensions[d].words(at[d]);
  return words.empty() ? "as configured" : words;
}

std::vector<double> PointGrid::measured(const Metric& metric, std::size_t point) const {
  const std::size_t n = samples();
  std::vector<double> values;
  for (std::size_t s = 0; s < n; ++s)
    if (const double v = metric.values[point * n + s]; !std::isnan(v)) values.push_back(v);
  return values;
}

PointSummary summary_of(const std::vector<double>& values, const RandomStream& stream,
                        std::uint64_t statistic, std::size_t trainings) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (values.empty())
    return {0, kUnknown, kUnknown, kUnknown, kUnknown, kUnknownInterval, kUnknownInterval};
  Moments moments;
  for (const double a : values) moments.add(a);
  const TrainingIntervals intervals = training_intervals(values, trainings, stream, statistic);
  return {values.size(),
          moments.mean(),
          moments.deviation(),
          quantile(values, 0.05),
          *std::min_element(values.begin(), values.end()),
          intervals.given,
          quantile_interval(values, 0.05, 0.95, static_cast<std::int64_t>(trainings)),
          intervals.new_training};
}

PointSummary accuracy_summary(const std::vector<double>& accuracy, const RandomStream& stream,
                              std::uint64_t statistic, std::size_t trainings) {
  PointSummary summary = summary_of(accuracy, stream, statistic, trainings);
  summary.interval = summary.interval.within(kAnyFraction);
  summary.new_training = summary.new_training.within(kAnyFraction);
  return summary;
}

std::size_t PointGrid::trainings() const { return method ? sample_axes.front().size() : 1; }

void summarise(PointGrid& grid, const RandomStream& stream) {
  grid.summaries.clear();
  for (std::size_t p = 0; p < grid.points(); ++p)
    grid.summaries.push_back(accuracy_summary(grid.measured(grid.metrics.front(), p), stream,
                                              grid.statistic[p], grid.trainings()));
}

std::vector<std::size_t> best_first(const PointGrid& grid) {
  std::vector<std::size_t> order;
  for (std::size_t p = 0; p < grid.summaries.size(); ++p)
    if (grid.summaries[p].samples > 0) order.push_back(p);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return grid.summaries[a].mean > grid.summaries[b].mean;
  });
  return order;
}

std::vector<double> averaged(const PointGrid& grid,
                             const std::vector<std::optional<std::size_t>>& places) {
  ensure(places.size() == grid.dimensions.size(), "a place for every dimension");
  const std::vector<double>& all = grid.metrics.front().values;
  const std::size_t n = grid.samples();
  std::vector<double> sum(n, 0.0);
  double points = 0;
  for (std::size_t p = 0; p < grid.points(); ++p) {
    const std::vector<std::size_t> at = grid.places(p);
    bool matches = true;
    for (std::size_t d = 0; d < at.size(); ++d) matches &= !places[d] || *places[d] == at[d];
    if (!matches || grid.measured(grid.metrics.front(), p).empty()) continue;
    for (std::size_t s = 0; s < n; ++s) sum[s] += all[p * n + s];
    points += 1;
  }
  std::vector<double> means;
  for (const double s : sum)
    if (points > 0 && !std::isnan(s)) means.push_back(s / points);
  return means;
}

}  // namespace ohmic::lab
