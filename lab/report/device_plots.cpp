#include "lab/report/device_plots.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/progress.h"
#include "base/statistics.h"
#include "devices/measured.h"
#include "devices/pulse_response.h"
#include "io/whole_file.h"
#include "lab/plots/svg_plot.h"

namespace ohmic::lab {
namespace {

constexpr double kMicro = 1e-6, kDay = 86400;

/// Times [s] that a model is drawn at.
std::vector<double> times_of(const devices::DeviceModel& model) {
  if (!model.changes_with_time()) return {0};
  std::vector<double> times;
  for (const double t : {1.0, kDay, 2 * kDay, 5 * kDay, 30 * kDay})
    if (t <= model.latest_seconds() && (t != 2 * kDay || model.latest_seconds() == t) &&
        (t != 5 * kDay || model.latest_seconds() == t))
      times.push_back(t);
  return times;
}

PlotSeries series(const std::string& name) {
  return {.name = name, .x = {}, .y = {}, .low = {}, .high = {}};
}

/// The model of a measured table, over the range of its targets.
std::shared_ptr<const devices::DeviceModel> model_of(
    const std::filesystem::path& file, const devices::MeasuredReading& reading,
    const std::vector<devices::MeasuredTable::AtTarget>& targets) {
  devices::MeasuredParams params;
  params.file = file.string();
  params.file_unit = reading.unit;
  params.read_voltage = reading.read_voltage;
  params.clips_negative = reading.clips_negative;
  params.cell.g_min = targets.front().target;
  params.cell.g_max = targets.back().target;
  return devices::make_measured(params, file);
}

/// Whether time `k` of `times` is among the kMostTimesDrawn that are drawn: evenly spread, the
/// first and the last among them.
bool is_drawn(std::size_t k, std::size_t times) {
  if (times <= kMostTimesDrawn || k == 0) return true;
  const auto step = [&](std::size_t at) { return at * (kMostTimesDrawn - 1) / (times - 1); };
  return step(k) != step(k - 1);
}

/// Prints data and model side by side, a row per target.
void print_targets(const devices::MeasuredTable::AtTime& time, const devices::DeviceModel& model,
                   const Console& console) {
  console.print("{:>12} {:>9} {:>12} {:>12} {:>12} {:>12}\n", "target (uS)", "samples", "mean (uS)",
                "std (uS)", "model mean", "model std");
  for (const auto& target : time.targets)
    console.print(
        "{:>12.4g} {:>9} {:>12.4g} {:>12.4g} {:>12.4g} {:>12.4g}\n", target.target / kMicro,
        target.samples ? std::to_string(target.samples->knots().size()) : "-", target.mean / kMicro,
        target.sigma / kMicro, model.mean(target.target, time.seconds) / kMicro,
        model.sigma(target.target, time.seconds) / kMicro);
}

/// Measured means, with deviations as error bars.
PlotSeries data_series(const std::string& name, const devices::MeasuredTable::AtTime& time) {
  PlotSeries data = series(name);
  data.joined = false;
  for (const auto& target : time.targets) {
    data.x.push_back(target.target / kMicro);
    data.y.push_back(target.mean / kMicro);
    data.low.push_back((target.mean - target.sigma) / kMicro);
    data.high.push_back((target.mean + target.sigma) / kMicro);
  }
  return data;
}

/// The model's mean over its range.
PlotSeries model_series(const std::string& name, const devices::DeviceModel& model,
                        double seconds) {
  PlotSeries line = series(name);
  line.marked = false;
  for (int i = 0; i <= 40; ++i) {
    const double g = model.g_min() + (model.g_max() - model.g_min()) * i / 40;
    line.x.push_back(g / kMicro);
    line.y.push_back(model.mean(g, seconds) / kMicro);
  }
  return line;
}

/// Says how far the tails of a table of samples reach.
void print_tails(const devices::MeasuredTable& table, const Console& console) {
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (const auto& time : table.times)
    for (const auto& target : time.targets)
      fewest = std::min(fewest, target.samples->knots().size());
  console.print(
      "tails beyond the smallest and largest sample are cut off: {} samples say nothing of fewer "
      "than one cell in {}\n",
      fewest, 2 * fewest);
}

}  // namespace

std::vector<std::filesystem::path> plot_device(const devices::DeviceModel& model,
                                               const std::string& name,
                                               const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  Plot spread{.title = name + ": spread of conductance after programming",
              .x_label = "target conductance (uS)",
              .y_label = "standard deviation (uS)",
              .series = {}};
  for (const double t : times_of(model)) {
    PlotSeries line = series(model.changes_with_time() ? "after " + human_time(t) : "at any time");
    line.marked = false;
    for (int i = 0; i <= 60; ++i) {
      const double g = model.g_min() + (model.g_max() - model.g_min()) * i / 60;
      line.x.push_back(g / kMicro);
      line.y.push_back(model.sigma(g, t) / kMicro);
    }
    spread.series.push_back(std::move(line));
  }
  files.push_back(folder / (name + "_sigma.svg"));
  write_whole_file(files.back(), to_svg(spread));
  if (!model.changes_with_time()) return files;
  Plot drift{.title = name + ": mean conductance and its deviation over time",
             .x_label = "time after programming (s)",
             .y_label = "conductance (uS)",
             .series = {},
             .x_is_logarithmic = true};
  for (const double fraction : {0.1, 0.4, 0.7, 1.0}) {
    const double g = model.g_min() + (model.g_max() - model.g_min()) * fraction;
    PlotSeries line = series("target " + shortest(std::round(g / kMicro * 100) / 100) + " uS");
    const double last = std::min(30 * kDay, model.latest_seconds());
    for (int i = 0; i <= 24; ++i) {
      const double t = std::exp(std::log(last) * i / 24);
      const double mean = model.mean(g, t) / kMicro, sigma = model.sigma(g, t) / kMicro;
      line.x.push_back(t);
      line.y.push_back(mean);
      line.low.push_back(mean - sigma);
      line.high.push_back(mean + sigma);
    }
    drift.series.push_back(std::move(line));
  }
  files.push_back(folder / (name + "_drift.svg"));
  write_whole_file(files.back(), to_svg(drift));
  return files;
}

void show_fit(const std::filesystem::path& file, const devices::MeasuredReading& reading,
              const std::filesystem::path& plot_file, const Console& console) {
  const devices::MeasuredTable table = devices::read_measured_table(file, reading);
  const auto& first = table.times.front().targets;
  console.print("{}: {} at {} targets, {} .. {} uS{}\n", file.string(),
                table.has_samples ? "samples" : "means and deviations", first.size(),
                shortest(first.front().target / kMicro), shortest(first.back().target / kMicro),
                table.times.size() > 1 ? fmt::format(", at {} times", table.times.size()) : "");
  const auto model = model_of(file, reading, first);
  Plot plot{.title = "measured data against model: " + file.filename().string(),
            .x_label = "target conductance (uS)",
            .y_label = "conductance (uS), mean and deviation",
            .series = {}};
  for (std::size_t k = 0; k < table.times.size(); ++k) {
    const auto& time = table.times[k];
    print_targets(time, *model, console);
    if (!is_drawn(k, table.times.size())) continue;
    const std::string when =
        table.times.size() > 1 ? " after " + human_time(time.seconds) : std::string();
    plot.series.push_back(data_series("data" + when, time));
    plot.series.push_back(model_series("model" + when, *model, time.seconds));
  }
  if (table.has_samples) print_tails(table, console);
  write_whole_file(plot_file, to_svg(plot));
  console.print("plot in {}\n", plot_file.string());
}

void show_pulses(const std::string& name, const std::filesystem::path& plot_file,
                 const Console& console) {
  const devices::PulseModel& m = devices::pulse_model(name);
  console.print("{}: {}\n", m.name, m.source);
  constexpr const char* kLaws[] = {"constant",    "linear", "soft bounds",
                                   "exponential", "power",  "piecewise linear"};
  console.print(
      "law {}; dw_min {}, up_down {}, w {} .. {}; one pulse {} of dw_min, devices {} of it\n",
      kLaws[static_cast<int>(m.law)], shortest(m.dw_min), shortest(m.up_down), shortest(m.w_min),
      shortest(m.w_max), shortest(m.step_sigma), shortest(m.step_sigma_device));
  Plot plot{.title = name + ": response of the mean device to pulses",
            .x_label = "pulses",
            .y_label = "w",
            .series = {series("potentiation"), series("depression")}};
  const double span = m.w_max - m.w_min;
  const auto count = static_cast<int>(std::min(20000.0, 2 * span / m.dw_min));
  for (const bool up : {true, false}) {
    PlotSeries& line = plot.series[up ? 0 : 1];
    line.marked = false;
    double w = up ? m.w_min : m.w_max;
    for (int i = 0; i <= count; ++i) {
      if (i % std::max(count / 200, 1) == 0) {
        line.x.push_back(i);
        line.y.push_back(w);
      }
      w = devices::after_pulse(m, w, up);
    }
  }
  write_whole_file(plot_file, to_svg(plot));
  console.print("plot in {}\n", plot_file.string());
}

}  // namespace ohmic::lab
