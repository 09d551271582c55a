#include "lab/report/reading.h"

#include <fmt/format.h>

#include "lab/results/schema.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

std::vector<std::vector<double>> rows_of(const h5::Reader& in, const std::string& path,
                                         std::size_t rows) {
  const std::vector<double> all = in.doubles(path).values;
  if (rows == 0 || all.size() % rows != 0)
    throw FileError(fmt::format("{}: '{}' has {} values, expected rows of {} layers",
                                in.file().string(), path, all.size(), rows));
  const auto width = static_cast<std::ptrdiff_t>(all.size() / rows);
  std::vector<std::vector<double>> result;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(row) * width;
    result.emplace_back(first, first + width);
  }
  return result;
}

void read_budget(const h5::Reader& in, std::size_t chips, ReportData& report) {
  if (!in.has("/error_budget/float")) return;
  ReportBudget budget;
  for (BudgetLine& line : budget_lines({.read_noise = true, .faults = true, .seconds = 1})) {
    const std::string path = "/error_budget/" + line.key;
    if (!in.has(path)) continue;
    line.accuracy = numbers_of(in, path, chips);
    if (in.has_attribute(path, "images_gained")) {
      line.differs_by_chip = false;
      line.gained = in.integer_attribute(path, "images_gained");
      line.lost = in.integer_attribute(path, "images_lost");
    }
    budget.lines.push_back(std::move(line));
  }
  if (in.has_attribute("/error_budget", "images"))
    budget.images = in.integer_attribute("/error_budget", "images");
  report.budgets.push_back(std::move(budget));
}

void read_layers(const h5::Reader& in, ReportData& report) {
  if (!in.has("/layers/name")) return;
  ReportLayers layers{
      .at = "", .names = in.strings("/layers/name"), .accumulated = {}, .isolated = {}};
  const std::size_t count = layers.names.size();
  LayerCounts& counts = report.run->layers;
  const auto whole = [&](const std::string& path) {
    const std::vector<double> numbers = numbers_of(in, path, count);
    return std::vector<std::int64_t>(numbers.begin(), numbers.end());
  };
  counts.tiles = whole("/layers/tiles");
  counts.macs = whole("/layers/macs");
  counts.dac_saturation = numbers_of(in, "/layers/dac_saturation", count);
  counts.adc_saturation = numbers_of(in, "/layers/adc_saturation", count);
  if (in.has("/layers/signal_to_error_accumulated")) {
    layers.accumulated = rows_of(in, "/layers/signal_to_error_accumulated", count);
    layers.isolated = rows_of(in, "/layers/signal_to_error_isolated", count);
  }
  report.layers.push_back(std::move(layers));
}

}  // namespace

std::vector<double> numbers_of(const h5::Reader& in, const std::string& path, std::size_t count) {
  ensure(path.starts_with("/provenance/") ||
             find_entry(in.string_attribute("/", "command"), path) != nullptr,
         "a report reads what stands in no schema");
  std::vector<double> values = in.doubles(path).values;
  if (values.size() != count)
    throw FileError(fmt::format("{}: '{}' has {} values, expected {}", in.file().string(), path,
                                values.size(), count));
  return values;
}

AxisValues axis_in(const h5::Reader& in, const std::string& path, const std::string& key) {
  AxisValues axis =
      in.holds_strings(path)
          ? AxisValues{.key = key, .units = "", .words = in.strings(path), .numbers = {}}
          : axis_of_numbers(key, in.doubles(path).values);
  if (in.has_attribute(path, "units")) axis.units = in.string_attribute(path, "units");
  if (axis.size() == 0) throw FileError(in.file().string() + ": '" + path + "' has no values");
  return axis;
}

void read_run(const h5::Reader& in, ReportData& report) {
  ReportRun& run = report.run.emplace();
  run.chip_accuracy = in.doubles("/chips/accuracy").values;
  const std::size_t chips = run.chip_accuracy.size();
  if (chips == 0) throw FileError(in.file().string() + ": '/chips/accuracy' has no values");
  run.float_accuracy = numbers_of(in, "/chips/float_accuracy", 1)[0];
  run.yield = numbers_of(in, "/chips/yield", 1)[0];
  run.yield_accuracy = in.double_attribute("/chips/yield", "yield_accuracy");
  run.images = in.integer_attribute("/chips", "images");
  for (const char* level : {"chip", "programming", "read"})
    if (const std::string path = std::string("/chips/variance/") + level; in.has(path))
      run.variance[level] = numbers_of(in, path, 3);

  const h5::Array<double> all = in.doubles("/chips/accuracy_all");
  const char* levels[] = {"chip", "programming", "read"};
  PointGrid grid;
  for (std::size_t level = 0; level < std::size(levels); ++level) {
    std::vector<double> numbers;
    for (Index i = 0; level < all.shape.size() && i < all.shape[level]; ++i)
      numbers.push_back(static_cast<double>(i));
    grid.sample_axes.push_back(axis_of_numbers(levels[level], numbers));
  }
  for (const char* name : {"accuracy", "top5_accuracy", "loss"})
    grid.metrics.push_back(
        {name, numbers_of(in, std::string("/chips/") + name + "_all", grid.samples())});
  grid.statistic = {kAccuracyInterval};
  grid.float_accuracy = {run.float_accuracy};
  report.grids.push_back(std::move(grid));

  if (in.has("/retention/accuracy")) {
    PointGrid retention;
    AxisValues time = axis_in(in, "/retention/time", "time");
    time.units = "s";
    retention.name = "retention";
    retention.dimensions = {{.keys = {std::move(time)}}};
    retention.sample_axes = {report.grids.front().sample_axes.front()};
    retention.statistic.assign(retention.points(), kAccuracyInterval);
    retention.metrics = {{"accuracy", numbers_of(in, "/retention/accuracy",
                                                 retention.points() * retention.samples())}};
    report.grids.push_back(std::move(retention));
  }
  for (PointGrid& each : report.grids) summarise(each, stream_of(report));
  read_budget(in, chips, report);
  read_layers(in, report);
}

void read_search(const h5::Reader& in, ReportData& report) {
  ReportSearch& search = report.search.emplace();
  search.candidates = in.strings("/search/layer");
  const std::size_t candidates = search.candidates.size();
  const auto list = [&](const std::string& group) {
    const std::vector<double> accuracy = in.doubles(group + "/accuracy").values;
    const std::size_t count = accuracy.size();
    const std::vector<double> overhead = numbers_of(in, group + "/overhead", count);
    const std::vector<double> macs =
        in.has(group + "/overhead_macs")
            ? numbers_of(in, group + "/overhead_macs", count)
            : std::vector<double>(count, std::numeric_limits<double>::quiet_NaN());
    const std::vector<double> reward = numbers_of(in, group + "/reward", count);
    const std::vector<double> ratio = numbers_of(in, group + "/ratio", count * candidates);
    std::vector<ReportPlacement> all;
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = ratio.begin() + static_cast<std::ptrdiff_t>(i * candidates);
      all.push_back({{first, first + static_cast<std::ptrdiff_t>(candidates)},
                     accuracy[i],
                     overhead[i],
                     macs[i],
                     reward[i]});
    }
    return all;
  };
  search.evaluations = list("/search");
  search.chosen_layers = in.strings("/placement/layer");
  search.chosen_ratios = numbers_of(in, "/placement/ratio", search.chosen_layers.size());
  if (!in.has("/candidates/from_layer_on")) return;
  search.from_layer_on = in.doubles("/candidates/from_layer_on").values;
  search.only_layer = numbers_of(in, "/candidates/only_layer", search.from_layer_on.size());
}

}  // namespace ohmic::lab
