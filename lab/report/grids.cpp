#include "lab/report/grids.h"
#include "lab/methods/write_verify.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/console.h"
#include "lab/report/reading.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Axes of a comparison: the dimensions of an accuracy behind seed and hardware, before the chips.
std::vector<Dimension> compared_dimensions(const h5::Reader& in, const std::string& path) {
  const std::vector<std::vector<std::string>> scales = in.scales(path);
  std::vector<Dimension> dimensions;
  for (std::size_t d = 2; d + 1 < scales.size(); ++d) {
    Dimension& dimension = dimensions.emplace_back();
    for (const std::string& scale : scales[d])
      dimension.keys.push_back(axis_in(in, scale, last_name(scale)));
    if (dimension.keys.empty())
      throw FileError(
          fmt::format("{}: dimension {} of '{}' has no scale", in.file().string(), d, path));
  }
  return dimensions;
}

/// Dimensions of a sweep: one per axis, or the points of a sample.
std::vector<Dimension> swept_dimensions(const h5::Reader& in) {
  std::vector<Dimension> dimensions;
  const std::vector<std::string> axes = lines_of(in.string_attribute("/", "axes"));
  for (const std::string& axis : axes) {
    Dimension& dimension = dimensions.emplace_back();
    dimension.is_sample = axis == "point";
    if (!dimension.is_sample) dimension.keys.push_back(axis_in(in, "/" + axis, axis));
  }
  for (const std::string& key : lines_of(in.string_attribute("/", "axis_keys"))) {
    if (std::find(axes.begin(), axes.end(), key) != axes.end()) continue;
    const std::vector<std::vector<std::string>> scales = in.scales("/" + key);
    const std::string axis =
        scales.size() == 1 && !scales[0].empty() ? last_name(scales[0][0]) : "";
    const auto found = std::find(axes.begin(), axes.end(), axis);
    if (found == axes.end())
      throw FileError(in.file().string() + ": '/" + key + "' lies along no axis of the sweep");
    dimensions[static_cast<std::size_t>(found - axes.begin())].keys.push_back(
        axis_in(in, "/" + key, key));
  }
  for (const Dimension& d : dimensions) {
    bool is_even = !d.keys.empty();
    for (const AxisValues& key : d.keys) is_even &= key.size() == d.size();
    if (!is_even)
      throw FileError(in.file().string() + ": the keys of an axis have different lengths");
  }
  return dimensions;
}

/// The budget of one point of a sweep; no lines where it was not measured.
ReportBudget budget_at(const PointGrid& grid, std::size_t point) {
  ReportBudget budget{.at = grid.words(point), .lines = {}};
  for (BudgetLine& line : budget_lines({.read_noise = true, .faults = true, .seconds = 1}))
    for (const Metric& metric : grid.metrics)
      if (metric.name == "error_budget_" + line.key) {
        line.accuracy = grid.measured(metric, point);
        if (!line.accuracy.empty()) budget.lines.push_back(std::move(line));
        break;
      }
  // Costs are against the float network, chip by chip.
  if (budget.lines.empty() || !budget.lines.front().is_float) return {};
  for (const BudgetLine& line : budget.lines)
    if (line.accuracy.size() != budget.lines.front().accuracy.size()) return {};
  return budget;
}

/// Signal-to-error ratios of one point of a sweep.
ReportLayers layers_at(const h5::Reader& in, const PointGrid& grid, std::size_t point) {
  ReportLayers layers{
      .at = grid.words(point), .names = in.strings("/layer"), .accumulated = {}, .isolated = {}};
  const std::size_t chips = grid.samples(), count = layers.names.size();
  const auto part = [&](const std::string& path) {
    const std::vector<double> all = numbers_of(in, path, grid.points() * count * chips);
    std::vector<std::vector<double>> rows;
    for (std::size_t layer = 0; layer < count; ++layer) {
      std::vector<double>& row = rows.emplace_back();
      for (std::size_t chip = 0; chip < chips; ++chip)
        row.push_back(all[(point * count + layer) * chips + chip]);
    }
    return rows;
  };
  layers.accumulated = part("/signal_to_error_accumulated");
  layers.isolated = part("/signal_to_error_isolated");
  return layers;
}

/// What a comparison measured: every method, on every hardware, at every setting.
struct Comparison {
  std::vector<std::string> methods, hardware;
  AxisValues seeds;
  std::vector<Dimension> axes;  ///< of the settings
  std::size_t settings = 1, chips = 0;
  /// A point of a grid is a setting and a method.
  std::size_t points() const { return settings * methods.size(); }
};

Comparison comparison_in(const h5::Reader& in) {
  Comparison c{.methods = in.strings("/method"),
               .hardware = {},
               .seeds = axis_in(in, "/training_seed", "training_seed"),
               .axes = {}};
  c.hardware = in.strings("/hardware");
  if (c.methods.empty()) throw FileError(in.file().string() + ": '/method' has no values");
  const std::string accuracy = "/methods/" + c.methods.front() + "/accuracy";
  c.axes = compared_dimensions(in, accuracy);
  for (const Dimension& axis : c.axes) c.settings *= axis.size();
  const std::vector<Index> shape = in.doubles(accuracy).shape;
  if (!shape.empty()) c.chips = static_cast<std::size_t>(shape.back());
  return c;
}

/// The grid of one hardware, with room for what was measured.
PointGrid grid_of(const Comparison& c, const std::string& hardware) {
  std::vector<double> chip_numbers;
  for (std::size_t chip = 0; chip < c.chips; ++chip)
    chip_numbers.push_back(static_cast<double>(chip));
  PointGrid grid;
  grid.name = c.hardware.size() > 1 ? hardware + " hardware" : "";
  grid.hardware = {hardware};
  grid.dimensions = c.axes;
  grid.method = c.axes.size();
  grid.dimensions.push_back(
      {.keys = {{.key = "method", .units = "", .words = c.methods, .numbers = {}}}});
  grid.sample_axes = {c.seeds, axis_of_numbers("chip", chip_numbers)};
  grid.metrics = {{"accuracy", std::vector<double>(c.points() * c.seeds.size() * c.chips)}};
  for (auto* list : {&grid.float_accuracy, &grid.overhead_weights, &grid.overhead_macs})
    list->resize(c.points());
  grid.statistic.resize(c.points());
  grid.other_costs.resize(c.points());
  return grid;
}

/// What a method costs beside what it adds in the digital part, in words that a legend has room
/// for: "3,074 verified, 38,473 pulses, 512 images". Files before 0.2.0 do not say.
std::string other_costs(const h5::Reader& in, const std::string& group) {
  const auto number = [&](const char* name) {
    const std::string path = group + "/" + name;
    return in.has(path) ? static_cast<std::int64_t>(in.doubles(path).values.at(0)) : 0;
  };
  std::vector<std::string> words;
  if (const auto n = number("verified"); n > 0) words.push_back(grouped(n) + " verified");
  if (in.has(group + "/pulses"))
    if (const double n = in.doubles(group + "/pulses").values.at(0); n > 0)
      words.push_back(pulse_words(n) + " pulses");
  if (const auto n = number("copies"); n > 1) words.push_back(grouped(n) + " copies");
  if (const auto n = number("calibration_images"); n > 0) words.push_back(grouped(n) + " images");
  return fmt::format("{}", fmt::join(words, ", "));
}

/// Fills the points of method `m` in the grids, one per hardware.
void read_method(const h5::Reader& in, const Comparison& c, std::size_t m,
                 std::vector<PointGrid>& grids) {
  const std::string group = "/methods/" + c.methods[m];
  const std::size_t seeds = c.seeds.size(), cells = seeds * c.hardware.size() * c.settings;
  const std::vector<double> accuracy = numbers_of(in, group + "/accuracy", cells * c.chips);
  const double weights = numbers_of(in, group + "/overhead_weights", 1)[0];
  const double macs = numbers_of(in, group + "/overhead_macs", 1)[0];
  const std::string others = other_costs(in, group);
  double clean = 0;
  for (const double a : numbers_of(in, group + "/clean_accuracy", seeds))
    clean += a / static_cast<double>(seeds);
  std::vector<double> validation;
  if (in.has(group + "/selection_accuracy"))
    validation = numbers_of(in, group + "/selection_accuracy", cells);
  for (std::size_t h = 0; h < c.hardware.size(); ++h)
    for (std::size_t s = 0; s < c.settings; ++s) {
      PointGrid& grid = grids[h];
      const std::size_t point = s * c.methods.size() + m;
      double chosen = 0;
      for (std::size_t seed = 0; seed < seeds; ++seed) {
        const std::size_t cell = (seed * c.hardware.size() + h) * c.settings + s;
        for (std::size_t chip = 0; chip < c.chips; ++chip)
          grid.metrics.front().values[(point * seeds + seed) * c.chips + chip] =
              accuracy[cell * c.chips + chip];
        if (!validation.empty()) chosen += validation[cell] / static_cast<double>(seeds);
      }
      grid.float_accuracy[point] = clean;
      grid.overhead_weights[point] = weights;
      grid.overhead_macs[point] = macs;
      grid.other_costs[point] = others;
      grid.statistic[point] = kMeanIntervals + m * c.settings + s;
      if (validation.empty()) continue;
      grid.validation_accuracy.resize(grid.points());
      grid.validation_accuracy[point] = chosen;
    }
}

}  // namespace

void read_compare(const h5::Reader& in, ReportData& report) {
  const Comparison comparison = comparison_in(in);
  for (const std::string& hardware : comparison.hardware)
    report.grids.push_back(grid_of(comparison, hardware));
  for (std::size_t m = 0; m < comparison.methods.size(); ++m)
    read_method(in, comparison, m, report.grids);
  for (PointGrid& grid : report.grids) summarise(grid, stream_of(report));
  // What a reader asks for first.
  std::stable_partition(report.grids.begin(), report.grids.end(),
                        [](const PointGrid& grid) { return grid.hardware.front() == "config"; });
}

void read_sweep(const h5::Reader& in, ReportData& report) {
  PointGrid grid;
  grid.dimensions = swept_dimensions(in);
  grid.sample_axes = {axis_in(in, "/chip", "chip")};
  const std::size_t points = grid.points(), values = points * grid.samples();
  for (const std::string& name : in.children("/"))
    if (name == "accuracy" || name == "loss" || name == "top5_accuracy" ||
        name.starts_with("error_budget_"))
      grid.metrics.push_back({name, numbers_of(in, "/" + name, values)});
  const auto accuracy = std::find_if(grid.metrics.begin(), grid.metrics.end(),
                                     [](const Metric& m) { return m.name == "accuracy"; });
  if (accuracy == grid.metrics.end())
    throw FileError(in.file().string() + ": no data set '/accuracy'");
  std::rotate(grid.metrics.begin(), accuracy, accuracy + 1);
  const auto optional = [&](const std::string& name) {
    return in.has("/" + name) ? numbers_of(in, "/" + name, points) : std::vector<double>();
  };
  grid.float_accuracy = optional("float_accuracy");
  grid.overhead_weights = optional("overhead_weights");
  grid.overhead_macs = optional("overhead_macs");
  const std::vector<double> status = optional("status");
  grid.status.assign(status.begin(), status.end());
  if (in.has("/message")) grid.message = in.strings("/message");
  grid.statistic.assign(points, kPointIntervals);

  summarise(grid, stream_of(report));
  const std::vector<std::size_t> order = best_first(grid);
  std::vector<std::size_t> shown;
  if (!order.empty()) shown.push_back(order.front());
  if (order.size() > 1) shown.push_back(order.back());
  for (const std::size_t point : shown) {
    if (ReportBudget budget = budget_at(grid, point); !budget.lines.empty())
      report.budgets.push_back(std::move(budget));
    if (in.has("/layer") && in.has("/signal_to_error_accumulated"))
      report.layers.push_back(layers_at(in, grid, point));
  }
  report.grids.push_back(std::move(grid));
}

}  // namespace ohmic::lab
