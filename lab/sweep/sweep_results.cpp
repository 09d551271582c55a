#include "lab/sweep/sweep_results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/console.h"
#include "base/statistics.h"
#include "lab/results/bootstrap_statistic.h"
#include "lab/results/scaled_group.h"

namespace ohmic::lab {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// Dimensions of the points: those of the axes, or one called "point".
struct Dimensions {
  std::vector<Index> shape;
  std::vector<std::string> scales;  ///< data set that is the scale of each
  std::string coordinates;          ///< other keys along them, for readers of netCDF
};

void write_values(h5::Writer& out, const std::string& path, const std::string& key,
                  const std::vector<ConfigNode>& values, const std::vector<std::string>& names) {
  const auto is_integer = [](const ConfigNode& v) {
    return std::holds_alternative<std::int64_t>(v.value);
  };
  AxisKey all{.key = key, .values = values, .names = names};
  if (!all.is_numeric()) {
    out.write(path, names);
  } else if (std::all_of(values.begin(), values.end(), is_integer)) {
    std::vector<std::int64_t> integers;
    for (const ConfigNode& v : values) integers.push_back(std::get<std::int64_t>(v.value));
    out.write(path, integers);
  } else {
    out.write(path, all.numbers());
  }
  const auto [unit, meaning] = unit_and_meaning(key);
  out.describe(path, unit, meaning);
}

Dimensions write_axes(h5::Writer& out, const Experiment& base, const PointValues& grid) {
  Dimensions all;
  const auto add_coordinate = [&](const std::string& key) {
    all.coordinates += (all.coordinates.empty() ? "" : " ") + key;
  };
  if (grid.is_sampled) {
    std::vector<std::int64_t> number(grid.points.size());
    std::iota(number.begin(), number.end(), 0);
    out.write("/point", number);
    out.describe("/point", "1", "number of the sampled point");
    all = {{static_cast<Index>(grid.points.size())}, {"point"}, ""};
    for (std::size_t k = 0; k < grid.points.front().size(); ++k) {
      std::vector<ConfigNode> values;
      std::vector<std::string> names;
      for (const auto& point : grid.points) {
        values.push_back(point[k].value);
        names.push_back(point[k].name);
      }
      const std::string& key = grid.points.front()[k].key->key;
      write_values(out, "/" + key, key, values, names);
      out.attach_scale("/" + key, 0, "/point", "point");
      add_coordinate(key);
    }
    return all;
  }
  for (const Axis& axis : base.sweep.axes) {
    const std::string& first = axis.keys.front().key;
    for (const AxisKey& key : axis.keys) {
      write_values(out, "/" + key.key, key.key, key.values, key.names);
      if (key.key == first) continue;
      out.attach_scale("/" + key.key, 0, "/" + first, first);
      add_coordinate(key.key);
    }
    all.shape.push_back(static_cast<Index>(axis.size()));
    all.scales.push_back(first);
  }
  return all;
}

/// Metrics over the points, with a trailing dimension or none.
class Metrics {
 public:
  Metrics(h5::Writer& out, const Dimensions& dimensions) : out_(out), dimensions_(dimensions) {}
  void write(const std::string& name, const std::vector<double>& values, const std::string& meaning,
             const std::vector<std::pair<std::string, Index>>& behind = {},
             const std::string& unit = "1") {
    std::vector<Index> shape = dimensions_.shape;
    for (const auto& [scale, size] : behind) shape.push_back(size);
    out_.write("/" + name, shape, values.data());
    finish(name, meaning, unit, behind);
  }
  void write(const std::string& name, const std::vector<std::int64_t>& values,
             const std::string& meaning) {
    out_.write("/" + name, dimensions_.shape, values.data());
    finish(name, meaning, "1", {});
  }

  void write(const std::string& name, const std::vector<std::string>& values,
             const std::string& meaning) {
    out_.write("/" + name, dimensions_.shape, values);
    finish(name, meaning, "1", {});
  }

 private:
  void finish(const std::string& name, const std::string& meaning, const std::string& unit,
              const std::vector<std::pair<std::string, Index>>& behind) {
    out_.describe("/" + name, unit, meaning);
    int dimension = 0;
    for (const std::string& scale : dimensions_.scales)
      out_.attach_scale("/" + name, dimension++, "/" + scale, scale);
    for (const auto& [scale, size] : behind)
      out_.attach_scale("/" + name, dimension++, "/" + scale, scale);
    if (!dimensions_.coordinates.empty())
      out_.attribute("/" + name, "coordinates", dimensions_.coordinates);
  }
  h5::Writer& out_;
  const Dimensions& dimensions_;
};

}  // namespace

void write_sweep(const std::filesystem::path& file, const Experiment& base, const PointValues& grid,
                 const GatheredPoints& results, const ResultsIdentity& identity,
                 const Provenance& provenance) {
  h5::Writer out(file);
  write_header(out, base, identity, provenance);
  const Dimensions dimensions = write_axes(out, base, grid);
  std::string names, keys;
  for (const std::string& scale : dimensions.scales) names += (names.empty() ? "" : "\n") + scale;
  for (const PointValue& value : grid.points.front())
    keys += (keys.empty() ? "" : "\n") + value.key->key;
  out.attribute("/", "axes", names);
  out.attribute("/", "axis_keys", keys);

  const auto& points = results.points;
  std::size_t chips = 1;
  std::vector<std::string> lines, layers;
  const auto add_new = [](std::vector<std::string>& to, const std::string& word) {
    if (std::find(to.begin(), to.end(), word) == to.end()) to.push_back(word);
  };
  for (const auto& point : points) {
    if (!point) continue;
    chips = std::max(chips, point->accuracy.size());
    for (const auto& [line, values] : point->budget) add_new(lines, line);
    for (const std::string& layer : point->layers) add_new(layers, layer);
  }
  std::vector<std::int64_t> number(chips);
  std::iota(number.begin(), number.end(), 0);
  out.write("/chip", number);
  out.describe("/chip", "1",
               "number of the chip: the same chip at every point, unless "
               "sweep.independent_points");
  const std::pair<std::string, Index> chip{"chip", static_cast<Index>(chips)};
  Metrics metrics(out, dimensions);
  /// One number a chip and point, NaN where there is none.
  const auto a_chip = [&](const auto& values_of) {
    std::vector<double> all;
    for (const auto& point : points) {
      std::vector<double> values = point ? values_of(*point) : std::vector<double>();
      values.resize(chips, kNothing);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  const auto a_point = [&](const auto& value_of) {
    std::vector<double> all;
    for (const auto& point : points) all.push_back(point ? value_of(*point) : kNothing);
    return all;
  };
  metrics.write("accuracy", a_chip([](const PointResult& p) { return p.accuracy; }),
                "accuracy of each chip, a fraction: mean over programmings and reads", {chip});
  metrics.write("top5_accuracy", a_chip([](const PointResult& p) { return p.top5_accuracy; }),
                "share of images whose class is among the five most likely", {chip});
  metrics.write("loss", a_chip([](const PointResult& p) { return p.loss; }),
                "mean cross-entropy of each chip", {chip}, "nat");
  metrics.write("float_accuracy", a_point([](const PointResult& p) { return p.float_accuracy; }),
                "accuracy of the network without hardware");
  metrics.write("overhead_weights",
                a_point([](const PointResult& p) { return p.overhead_weights(); }),
                "digital weights over the network's");
  metrics.write("overhead_macs", a_point([](const PointResult& p) { return p.overhead_macs(); }),
                "digital multiply-accumulates over the network's");
  metrics.write("verified",
                a_point([](const PointResult& p) { return static_cast<double>(p.verified); }),
                "weights that are verified");
  std::vector<std::int64_t> done;
  for (const auto& point : points)
    done.push_back(point ? static_cast<std::int64_t>(point->accuracy.size()) : 0);
  metrics.write("chips_done", done, "chips that were measured");
  metrics.write("status", results.status, "0 done, 1 failed, 2 missing");
  metrics.write("message", results.message, "why a point failed");
  for (const std::string& line : lines)
    metrics.write("error_budget_" + line, a_chip([&](const PointResult& p) {
                    for (const auto& [name, values] : p.budget)
                      if (name == line) return values;
                    return std::vector<double>();
                  }),
                  "accuracy of each chip in the error budget: " + line, {chip});
  if (!layers.empty()) {
    out.write("/layer", layers);
    out.describe("/layer", "1", "layers that are products");
    const std::pair<std::string, Index> layer{"layer", static_cast<Index>(layers.size())};
    const auto ratios = [&](Matrix<double> PointResult::*member) {
      std::vector<double> all;
      for (const auto& point : points)
        for (const std::string& name : layers) {
          std::vector<double> row;
          if (point)
            for (std::size_t l = 0; l < point->layers.size(); ++l)
              if (point->layers[l] == name) {
                const Matrix<double>& m = (*point).*member;
                row.assign(m.row(static_cast<Index>(l)),
                           m.row(static_cast<Index>(l)) + m.columns());
              }
          row.resize(chips, kNothing);
          all.insert(all.end(), row.begin(), row.end());
        }
      return all;
    };
    metrics.write("signal_to_error_accumulated", ratios(&PointResult::accumulated_db),
                  "of each layer, errors of earlier layers included", {layer, chip}, "dB");
    metrics.write("signal_to_error_isolated", ratios(&PointResult::isolated_db),
                  "of each layer on clean input", {layer, chip}, "dB");
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
    const Interval interval = bootstrap_mean_interval(accuracy, stream, kPointIntervals);
    text += fmt::format("{:<{}}  {:>12} {:>7} {:>18} {:>6}\n", points[i].words, width,
                        per_cent(moments.mean()), per_cent(moments.deviation()),
                        per_cent(interval.low) + " .. " + per_cent(interval.high), accuracy.size());
  }
  return text;
}

}  // namespace ohmic::lab
