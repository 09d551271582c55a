#include "lab/sweep/sweep_results.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/console.h"
#include "base/statistics.h"
#include "lab/results/scaled_group.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// The axes of a sweep in its file.
struct SweepAxes {
  std::vector<std::string> dimensions;  ///< data sets that are the scale of each
  std::string coordinates;              ///< other keys along them, for readers of netCDF
};

std::vector<std::string> keys_of(const PointValues& grid) {
  std::vector<std::string> keys;
  for (const PointValue& value : grid.points.front()) keys.push_back(value.key->key);
  return keys;
}

SweepAxes axes_of(const Experiment& base, const PointValues& grid) {
  if (grid.is_sampled) return {{"point"}, fmt::format("{}", fmt::join(keys_of(grid), " "))};
  SweepAxes all;
  std::vector<std::string> zipped;
  for (const Axis& axis : base.sweep.axes)
    for (const AxisKey& key : axis.keys)
      (&key == &axis.keys.front() ? all.dimensions : zipped).push_back(key.key);
  all.coordinates = fmt::format("{}", fmt::join(zipped, " "));
  return all;
}

void write_axes(ScaledGroup& out, const Experiment& base, const PointValues& grid) {
  if (!grid.is_sampled) {
    for (const Axis& axis : base.sweep.axes)
      for (const AxisKey& key : axis.keys)
        out.key(key, &key == &axis.keys.front() ? "" : axis.keys.front().key);
    return;
  }
  out.count("point", static_cast<Index>(grid.points.size()));
  for (std::size_t k = 0; k < grid.points.front().size(); ++k) {
    AxisKey key{.key = grid.points.front()[k].key->key, .values = {}, .names = {}};
    for (const auto& point : grid.points) {
      key.values.push_back(point[k].value);
      key.names.push_back(point[k].name);
    }
    out.key(key, "point");
  }
}

/// Results of points as columns: a number or a row of numbers per point.
class Columns {
 public:
  using Points = std::vector<std::optional<PointResult>>;
  explicit Columns(const Points& points) : points_(points) {
    for (const auto& point : points)
      if (point) chips_ = std::max(chips_, point->accuracy.size());
  }
  std::size_t chips() const { return chips_; }

  /// One number per point; `nothing` where there is no result.
  template <class Of, class T = std::invoke_result_t<Of, const PointResult&>>
  std::vector<T> per_point(const Of& of, T nothing) const {
    std::vector<T> all;
    for (const auto& point : points_) all.push_back(point ? of(*point) : nothing);
    return all;
  }
  /// One number per point and chip; NaN where there is none.
  template <class Of>
  std::vector<double> per_chip(const Of& of) const {
    std::vector<double> all;
    for (const auto& point : points_) append(point ? of(*point) : std::vector<double>(), all);
    return all;
  }
  /// One number per point, layer and chip.
  std::vector<double> per_layer(const std::vector<std::string>& layers,
                                Matrix<double> PointResult::*member) const {
    std::vector<double> all;
    for (const auto& point : points_)
      for (const std::string& layer : layers)
        append(point ? row_of(*point, layer, (*point).*member) : std::vector<double>(), all);
    return all;
  }

 private:
  void append(std::vector<double> values, std::vector<double>& all) const {
    values.resize(chips_, kNothing);
    all.insert(all.end(), values.begin(), values.end());
  }
  static std::vector<double> row_of(const PointResult& point, const std::string& layer,
                                    const Matrix<double>& m) {
    const auto found = std::find(point.layers.begin(), point.layers.end(), layer);
    if (found == point.layers.end()) return {};
    const Index row = found - point.layers.begin();
    return {m.row(row), m.row(row) + m.columns()};
  }
  const Points& points_;
  std::size_t chips_ = 1;
};

}  // namespace

void write_sweep(const std::filesystem::path& file, const Experiment& base, const PointValues& grid,
                 const GatheredPoints& results, const ResultsIdentity& identity,
                 const Provenance& provenance) {
  h5::Writer out(file);
  write_header(out, base, identity, provenance);
  const SweepAxes axes = axes_of(base, grid);
  out.attribute("/", "axes", fmt::format("{}", fmt::join(axes.dimensions, "\n")));
  out.attribute("/", "axis_keys", fmt::format("{}", fmt::join(keys_of(grid), "\n")));

  const Columns columns(results.points);
  ScaledGroup root(out, "sweep", "", axes.dimensions);
  write_axes(root, base, grid);
  root.count("chip", static_cast<Index>(columns.chips()));
  const auto write = [&](const std::string& name, const auto& values) {
    root.write(name, values);
    if (!axes.coordinates.empty()) out.attribute("/" + name, "coordinates", axes.coordinates);
  };
  using P = const PointResult&;
  const auto cost = [&](auto of) {
    return columns.per_point([&](P p) { return static_cast<double>(of(p.cost)); }, kNothing);
  };
  write("accuracy", columns.per_chip([](P p) { return p.accuracy; }));
  write("top5_accuracy", columns.per_chip([](P p) { return p.top5_accuracy; }));
  write("loss", columns.per_chip([](P p) { return p.loss; }));
  write("float_accuracy", columns.per_point([](P p) { return p.float_accuracy; }, kNothing));
  write("overhead_weights", columns.per_point([](P p) { return p.overhead_weights(); }, kNothing));
  write("overhead_macs", columns.per_point([](P p) { return p.overhead_macs(); }, kNothing));
  write("verified", cost([](const MethodCost& c) { return c.verified; }));
  write("pulses", cost([](const MethodCost& c) { return c.pulses; }));
  write("copies", cost([](const MethodCost& c) { return c.copies; }));
  write("calibration_images", cost([](const MethodCost& c) { return c.calibration_images; }));
  if (results.cells_verified() > 0) {
    write("cells_within_tolerance",
          columns.per_point([](P p) { return p.cells_within_tolerance; }, std::int64_t{0}));
    write("cells_gave_up", columns.per_point([](P p) { return p.cells_gave_up; }, std::int64_t{0}));
  }
  write("chips_done",
        columns.per_point([](P p) { return static_cast<std::int64_t>(p.accuracy.size()); },
                          std::int64_t{0}));
  write("status", results.status);
  write("message", results.message);

  std::vector<std::string> lines, layers;
  const auto add_new = [](std::vector<std::string>& to, const std::string& word) {
    if (std::find(to.begin(), to.end(), word) == to.end()) to.push_back(word);
  };
  for (const auto& point : results.points) {
    if (!point) continue;
    for (const auto& [line, values] : point->budget) add_new(lines, line);
    for (const std::string& layer : point->layers) add_new(layers, layer);
  }
  for (const std::string& line : lines)
    write("error_budget_" + line, columns.per_chip([&](P p) {
      for (const auto& [name, values] : p.budget)
        if (name == line) return values;
      return std::vector<double>();
    }));
  if (!layers.empty()) {
    root.axis("layer", layers);
    write("signal_to_error_accumulated", columns.per_layer(layers, &PointResult::accumulated_db));
    write("signal_to_error_isolated", columns.per_layer(layers, &PointResult::isolated_db));
  }
  out.commit();
}

std::string best_points(const Experiment& base, const std::vector<PointPlan>& points,
                        const GatheredPoints& results, std::size_t rows) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (results.points[i]) order.push_back(i);
  const auto mean = [&](std::size_t i) { return mean_of(results.points[i]->accuracy); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return mean(a) > mean(b); });
  if (order.size() > rows) order.resize(rows);
  std::size_t width = 5;
  for (const std::size_t i : order) width = std::max(width, points[i].words.size());
  const RandomStream stream(static_cast<std::uint64_t>(base.run.seed));
  std::string text = fmt::format("{:<{}}  {:>12} {:>7} {:>18} {:>6}\n", "point", width,
                                 "accuracy (%)", "sd", "95 % interval", "chips");
  for (const std::size_t i : order) {
    const std::vector<double>& accuracy = results.points[i]->accuracy;
    Moments moments;
    for (const double a : accuracy) moments.add(a);
    const Interval interval = mean_interval(accuracy, stream, kPointIntervals).within(kAnyFraction);
    text += fmt::format("{:<{}}  {:>12} {:>7} {:>18} {:>6}\n", points[i].words, width,
                        per_cent(moments.mean()), per_cent(moments.deviation()),
                        per_cent_range(interval), accuracy.size());
  }
  return text;
}

}  // namespace ohmic::lab
