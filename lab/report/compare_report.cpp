#include "lab/report/compare_report.h"
#include "lab/methods/write_verify.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/statistics.h"
#include "io/array_file.h"
#include "lab/plots/svg_plot.h"
#include "lab/results/scaled_group.h"
#include "lab/study/bootstrap_statistic.h"

namespace ohmic::lab {
namespace {

constexpr const char* kAccuracyLabel = "accuracy (%), mean and 95 % interval for these trainings";

double deviation_of(const std::vector<double>& values) {
  Moments m;
  for (const double v : values) m.add(v);
  return m.deviation();
}

/// Paired differences from the first method.
std::vector<double> gains(const Comparison& c, std::size_t m, std::size_t h, std::size_t s) {
  std::vector<double> own = c.at(m, h, s);
  const std::vector<double> first = c.at(0, h, s);
  for (std::size_t i = 0; i < own.size(); ++i) own[i] -= first[i];
  return own;
}

/// What accuracy is plotted against: the first axis of numbers, the others at their first values.
struct PlottedAxis {
  std::string label;
  std::vector<double> values;       ///< ascending
  std::vector<std::size_t> points;  ///< of the grid, one per value
  std::string others;               ///< ", adc.bits 4": where the other axes stand
};

std::optional<PlottedAxis> plotted_axis(const Comparison& c) {
  std::optional<PlottedAxis> found;
  std::string others;
  std::size_t stride = c.points();
  for (const Axis& axis : c.axes) {
    stride /= axis.size();
    const AxisKey& key = axis.keys.front();
    if (found || !key.is_numeric()) {
      for (const AxisKey& one : axis.keys) others += ", " + one.key + " " + one.names.front();
      continue;
    }
    found.emplace();
    found->label = key.key == "device.sigma" ? "sigma of the variation" : key.key;
    std::vector<std::size_t> places(axis.size());
    std::iota(places.begin(), places.end(), 0);
    const std::vector<double> numbers = key.numbers();
    std::sort(places.begin(), places.end(),
              [&](std::size_t a, std::size_t b) { return numbers[a] < numbers[b]; });
    for (const std::size_t place : places) {
      found->values.push_back(numbers[place]);
      found->points.push_back(place * stride);
    }
  }
  if (found) found->others = others;
  return found;
}

TrainingIntervals intervals_of(const Comparison& c, std::size_t m, std::size_t h, std::size_t point,
                               const RandomStream& stream) {
  return training_intervals(c.at(m, h, point), c.seeds.size(), stream,
                            kMeanIntervals + m * c.points() + point);
}

TrainingIntervals gain_intervals(const Comparison& c, std::size_t m, std::size_t h,
                                 std::size_t point, const RandomStream& stream) {
  return training_intervals(gains(c, m, h, point), c.seeds.size(), stream,
                            kDifferenceIntervals + m * c.points() + point);
}

/// Adds the mean accuracy of method m at one point, with its interval, to a series.
void add_point(const Comparison& c, std::size_t m, std::size_t h, std::size_t point, double x,
               const RandomStream& stream, PlotSeries& series) {
  const std::vector<double> a = c.at(m, h, point);
  const Interval i = intervals_of(c, m, h, point, stream).given.within(kAnyFraction);
  series.x.push_back(x);
  series.y.push_back(100 * mean_of(a));
  series.low.push_back(100 * i.low);
  series.high.push_back(100 * i.high);
}

/// Accuracy at the first point against what a method adds, weights or MACs.
Plot overhead_plot(const Comparison& c, std::size_t h, const RandomStream& stream,
                   const std::string& what, double ComparedMethod::*overhead) {
  Plot plot{.title = "Accuracy against digital overhead, " + c.words(0),
            .x_label = "digital " + what + " added (% of the network's)",
            .y_label = kAccuracyLabel,
            .series = {}};
  for (std::size_t m = 0; m < c.methods.size(); ++m) {
    PlotSeries point{
        .name = c.methods[m].name, .x = {}, .y = {}, .low = {}, .high = {}, .joined = false};
    add_point(c, m, h, 0, 100 * c.methods[m].*overhead, stream, point);
    plot.series.push_back(std::move(point));
  }
  return plot;
}

void write_plots(const std::filesystem::path& folder, const Comparison& c, std::size_t h,
                 const RandomStream& stream) {
  for (const auto& [what, overhead] : {std::pair("weights", &ComparedMethod::overhead_weights),
                                       std::pair("MACs", &ComparedMethod::overhead_macs)})
    write_whole_file(folder / fmt::format("overhead_{}_{}.svg", what, c.hardware[h]),
                     to_svg(overhead_plot(c, h, stream, what, overhead)));
  const std::optional<PlottedAxis> axis = plotted_axis(c);
  if (!axis) return;
  Plot against_axis{.title = "Accuracy against " + axis->label + axis->others + " (" +
                             c.hardware[h] + " hardware)",
                    .x_label = axis->label,
                    .y_label = kAccuracyLabel,
                    .series = {}};
  for (std::size_t m = 0; m < c.methods.size(); ++m) {
    PlotSeries line{.name = c.methods[m].name, .x = {}, .y = {}, .low = {}, .high = {}};
    for (std::size_t i = 0; i < axis->points.size(); ++i)
      add_point(c, m, h, axis->points[i], axis->values[i], stream, line);
    against_axis.series.push_back(std::move(line));
  }
  write_whole_file(folder / ("accuracy_" + c.hardware[h] + ".svg"), to_svg(against_axis));
}

}  // namespace

namespace {

/// Mean over chips, seed x hardware x point.
std::vector<double> training_means(const Comparison& c, std::size_t m) {
  std::vector<double> means;
  const std::vector<double>& all = c.methods[m].accuracy;
  const auto chips = static_cast<std::size_t>(c.chips);
  for (std::size_t first = 0; first < all.size(); first += chips)
    means.push_back(mean_of(std::span(all).subspan(first, chips)));
  return means;
}

/// What every method costs beside the network (its pulses at the first point and training), and how
/// accurate its network is without hardware.
std::string cost_table(const Comparison& c, std::size_t h) {
  std::string text = fmt::format(
      "| method | added weights % | added MACs % | copies | verified weights | further pulses ({}) "
      "| calibration images | clean accuracy % |\n|---|---|---|---|---|---|---|---|\n",
      c.words(0));
  for (const ComparedMethod& m : c.methods)
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", m.name,
                        per_cent(m.overhead_weights), per_cent(m.overhead_macs), m.cost.copies,
                        grouped(m.cost.verified), pulse_words(m.pulses[h * c.points()]),
                        grouped(m.cost.calibration_images), per_cent(mean_of(m.clean_accuracy)));
  return text;
}

/// Every method at one point.
std::string point_table(const Comparison& c, std::size_t h, std::size_t s, double original,
                        const RandomStream& stream) {
  std::string text = fmt::format(
      "| method | weights (MACs) % | accuracy | 5th percentile | these trainings | a new training "
      "| difference from {} | these trainings | a new training | of original |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n",
      c.methods.front().name);
  for (std::size_t m = 0; m < c.methods.size(); ++m) {
    const std::vector<double> a = c.at(m, h, s);
    const TrainingIntervals own = intervals_of(c, m, h, s, stream);
    const char* bold = c.best(h, s) == m ? "**" : "";
    text += fmt::format(
        "| {} | {} ({}) | {}{} +- {}{} | {} ({}) | {} | {} |", c.methods[m].name,
        per_cent(c.methods[m].overhead_weights), per_cent(c.methods[m].overhead_macs), bold,
        per_cent(mean_of(a)), per_cent(deviation_of(a)), bold, per_cent(quantile(a, 0.05)),
        per_cent_range(quantile_interval(a, 0.05, 0.95, static_cast<std::int64_t>(c.seeds.size()))),
        per_cent_range(own.given.within(kAnyFraction)),
        per_cent_range(own.new_training.within(kAnyFraction)));
    if (m == 0) {
      text += " | | |";
    } else {
      const TrainingIntervals gain = gain_intervals(c, m, h, s, stream);
      text += fmt::format(" {:+.2f} | {} | {} |", 100 * mean_of(gains(c, m, h, s)),
                          points_range(gain.given), points_range(gain.new_training));
    }
    text += fmt::format(" {} |\n", per_cent(mean_of(a) / original, 1));
  }
  return text;
}

}  // namespace

std::string compare_markdown(const Comparison& c, const Experiment& e, std::size_t h) {
  const RandomStream stream(static_cast<std::uint64_t>(e.run.seed));
  const double original = mean_of(c.methods.front().clean_accuracy);
  std::string text = fmt::format(
      "Accuracy in per cent on the test images: mean +- standard deviation over {} x {}, which are "
      "the same for all methods; 5th percentile of all of them, with its 95 % interval. 95 % "
      "intervals of the mean: for these trainings (chips are a sample), and for a new training "
      "(trainings and chips are; Student's t over training means). Differences from {} are paired, "
      "in points. Original: {} without hardware, {} % on the same images.\n\n",
      count_of(static_cast<std::int64_t>(c.seeds.size()), "training"), count_of(c.chips, "chip"),
      c.methods.front().name, c.methods.front().name, per_cent(original));
  text += cost_table(c, h);
  for (std::size_t s = 0; s < c.points(); ++s)
    text += fmt::format("\n### {}\n{}", c.words(s), point_table(c, h, s, original, stream));
  if (c.best(h, 0)) text += "\nBold: the best on validation images and selection chips.\n";
  return text;
}

void write_comparison(const std::filesystem::path& folder, const Comparison& c, const Experiment& e,
                      const ResultsIdentity& identity, const Provenance& provenance) {
  const RandomStream stream(static_cast<std::uint64_t>(e.run.seed));
  std::string markdown;
  for (std::size_t h = 0; h < c.hardware.size(); ++h) {
    markdown += fmt::format("## Hardware: {}\n\n{}\n", c.hardware[h], compare_markdown(c, e, h));
    write_plots(folder, c, h, stream);
  }
  write_whole_file(folder / "compare.md", markdown);

  h5::Writer out(folder / "results.h5");
  write_header(out, e, identity, provenance);
  std::vector<std::string> names;
  for (const ComparedMethod& m : c.methods) names.push_back(m.name);
  ScaledGroup root(out, "compare", "");
  root.axis("method", names);
  root.axis("training_seed", c.seeds);
  root.axis("hardware", c.hardware);
  std::vector<std::string> along;
  ScaledGroup axes(out, "compare", "/axes");
  for (const Axis& axis : c.axes) {
    along.push_back(axis.keys.front().key);
    for (const AxisKey& key : axis.keys) axes.key(key);
  }
  for (std::size_t number = 0; number < c.methods.size(); ++number) {
    const ComparedMethod& m = c.methods[number];
    // Each method's group holds its axes, so that it can be opened by itself.
    const std::string path = "/methods/" + m.name;
    ScaledGroup group(out, "compare", path, along);
    group.axis("training_seed", c.seeds);
    group.axis("hardware", c.hardware);
    for (const Axis& axis : c.axes)
      for (const AxisKey& key : axis.keys) group.key(key);
    group.count("chip", c.chips);
    // Further keys of a zipped axis are scales of the same dimension.
    const auto attach_zipped = [&](const std::string& name) {
      for (std::size_t a = 0; a < c.axes.size(); ++a)
        for (std::size_t k = 1; k < c.axes[a].keys.size(); ++k)
          out.attach_scale(path + "/" + name, static_cast<int>(a) + 2,
                           path + "/" + c.axes[a].keys[k].key, c.axes[a].keys[k].key);
    };
    group.write("accuracy", m.accuracy);
    attach_zipped("accuracy");
    group.write("training_mean", training_means(c, number));
    attach_zipped("training_mean");
    group.write("clean_accuracy", m.clean_accuracy);
    if (!m.selection_accuracy.empty()) {
      group.write("selection_accuracy", m.selection_accuracy);
      attach_zipped("selection_accuracy");
    }
    if (m.is_verified()) {
      group.write("cells_within_tolerance", m.cells_within_tolerance);
      attach_zipped("cells_within_tolerance");
      group.write("cells_gave_up", m.cells_gave_up);
      attach_zipped("cells_gave_up");
    }
    group.write("overhead_weights", m.overhead_weights);
    group.write("overhead_macs", m.overhead_macs);
    group.write("verified", m.cost.verified);
    group.write("pulses", m.pulses);
    attach_zipped("pulses");
    group.write("copies", m.cost.copies);
    group.write("calibration_images", m.cost.calibration_images);
  }
  out.commit();
}

}  // namespace ohmic::lab
