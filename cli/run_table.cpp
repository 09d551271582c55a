#include "cli/run_table.h"

#include "base/progress.h"
#include "lab/experiment/hardware_words.h"
#include "lab/study/bootstrap_statistic.h"

#include <algorithm>
#include <cmath>

namespace ohmic::lab {
namespace {

double mean_of(const Matrix<double>& m, Index row) {
  double sum = 0;
  for (Index c = 0; c < m.columns(); ++c) sum += m(row, c);
  return sum / static_cast<double>(m.columns());
}

std::string decibel(double value) {
  return std::isnan(value) ? "-" : std::isinf(value) ? "exact" : fmt::format("{:.1f}", value);
}

void print_layers(const RunSetting& s, const RunResult& r, const Console& console) {
  const nn::Network& network = s.trained().network;
  const int column = name_column(network);
  console.print("{:<{}} {:>13} {:>6} {:>9} {:>10} {:>9} {:>9} {:>12} {:>10}\n", "layer", column,
                "out x in", "tiles", "DAC limit", "ADC limit", "DAC clip", "ADC clip",
                "S/E isolated", "S/E in net");
  console.print("{:<{}} {:>13} {:>6} {:>9} {:>10} {:>9} {:>9} {:>12} {:>10}\n", "", column, "", "",
                "(input)", "(uA)", "(%)", "(%)", "(dB)", "(dB)");
  for (std::size_t k = 0; k < s.plan().layers.size(); ++k) {
    const auto& plan = s.plan().layers[k];
    const std::string name = network.name(network.mac_layers()[k]);
    const nn::Mac& mac = network.mac(static_cast<Index>(k));
    const std::string size = fmt::format("{} x {}", mac.outputs, mac.patch.inputs());
    const bool errors = !r.accumulated_db.empty();
    const auto row = static_cast<Index>(k);
    const std::string alone = errors ? decibel(mean_of(r.isolated_db, row)) : "-";
    const std::string together = errors ? decibel(mean_of(r.accumulated_db, row)) : "-";
    if (!plan) {
      console.print("{:<{}} {:>13} {:>6} {:>9} {:>10} {:>9} {:>9} {:>12} {:>10}\n", name, column,
                    size, "-", "digital", "-", "-", "-", "-", together);
      continue;
    }
    const Activity::Layer& counts = r.activity.layers[k];
    std::int64_t conversions = 0, clipped = 0;
    for (const auto& t : counts.tiles) {
      conversions += t.conversions;
      clipped += t.clipped;
    }
    const auto fraction = [](std::int64_t part, std::int64_t whole) {
      return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
    };
    console.print("{:<{}} {:>13} {:>6} {:>9.4g} {:>10} {:>9} {:>9} {:>12} {:>10}\n", name, column,
                  size, plan->tiles(), plan->dac.limit,
                  plan->adc.front().is_ideal()
                      ? "ideal"
                      : fmt::format("{:.4g}", plan->adc.front().high() * 1e6),
                  per_cent(fraction(counts.dac_clipped, counts.dac_conversions), 3),
                  per_cent(fraction(clipped, conversions), 3), alone, together);
  }
}

/// Deviations from chip to chip, programming to programming and read to read, with intervals.
void print_variance(const RunResult& r, const Console& console) {
  const VarianceSplit split = r.variance();
  const auto part = [&](const char* name, const VarianceComponent& c) {
    if (!c.is_known) return;
    console.print("  spread {:<28} sd {} points (95 % interval {} .. {})\n", name,
                  per_cent(std::sqrt(std::max(c.variance, 0.0))),
                  per_cent(std::sqrt(c.interval.low)), per_cent(std::sqrt(c.interval.high)));
  };
  part(r.programmings > 1 ? "from chip to chip" : "from chip and programming", split.group);
  part("from programming", split.subgroup);
  part("from read", split.member);
}

/// Layers with cells that gave up: "conv1 12 of 216".
std::string gave_up_words(const RunSetting& s, const RunResult& r) {
  std::string layers;
  const nn::Network& network = s.trained().network;
  for (std::size_t k = 0; k < r.cells.size(); ++k)
    if (r.cells[k].gave_up > 0)
      layers += (layers.empty() ? "" : ", ") + network.name(network.mac_layers()[k]) + " " +
                grouped(r.cells[k].gave_up) + " of " + grouped(r.cells[k].verified());
  return layers;
}

void print_retention(const RunSetting& s, const RunResult& r, const Console& console) {
  const TimeParams& time = s.experiment.time;
  const std::string corrections =
      !s.method.set.any(&Method::corrects) ? ""
      : time.calibration == CalibrationTime::once
          ? "; corrections found once, at " + human_time(time.first_retention())
          : "; corrections found anew at each time";
  console.print("\nretention (every chip programmed once{})\n  {:>12} {:>12} {:>6}\n", corrections,
                "time", "accuracy (%)", "sd");
  for (Index t = 0; t < r.retention.rows(); ++t) {
    Moments moments;
    for (Index c = 0; c < r.retention.columns(); ++c) moments.add(r.retention(t, c));
    console.print("  {:>12} {:>12} {:>6}\n",
                  human_time(s.experiment.time.retention[static_cast<std::size_t>(t)]),
                  per_cent(moments.mean()), per_cent(moments.deviation()));
  }
}

void print_accuracy(const RunSetting& s, const RunResult& r, const RandomStream& stream,
                    const Console& console) {
  Moments moments;
  for (const double a : r.chip_accuracy) moments.add(a);
  const Interval interval =
      mean_interval(r.chip_accuracy, stream, kAccuracyInterval).within(kAnyFraction);
  const auto chips = static_cast<std::int64_t>(r.chip_accuracy.size());
  console.print("\naccuracy of {} on {} test images (seed {})\n", count_of(chips, "chip"),
                grouped(r.float_network.images), s.experiment.run.seed);
  console.print("  mean {} %{}; float network {} %\n", per_cent(moments.mean()),
                chips == 1 ? ""
                           : fmt::format(", sd over chips {} (95 % interval of the mean {})",
                                         per_cent(moments.deviation()), per_cent_range(interval)),
                per_cent(r.float_network.accuracy));
  if (chips == 1) return;
  const auto good = static_cast<std::int64_t>(std::llround(r.yield() * static_cast<double>(chips)));
  const Interval yield = wilson_interval(good, chips);
  console.print(
      "  5th percentile {} % (95 % interval {}), worst chip {} %; {:.0f} % of the chips ({:.0f} .. "
      "{:.0f}) at {} % or more\n",
      per_cent(quantile(r.chip_accuracy, 0.05)),
      per_cent_range(quantile_interval(r.chip_accuracy, 0.05)),
      per_cent(*std::min_element(r.chip_accuracy.begin(), r.chip_accuracy.end())), 100 * r.yield(),
      100 * yield.low, 100 * yield.high, per_cent(r.yield_accuracy));
}

void print_cells(const RunSetting& s, const RunResult& r, const Console& console) {
  sim::CellCounts cells;
  std::int64_t clipped = 0;
  for (const auto& layer : r.cells) cells.add(layer);
  for (const auto& layer : s.plan().layers) clipped += layer ? layer->clipped_weights : 0;
  if (cells.broken > 0)
    console.print("  {} of {} cells broken ({:.3g} %)\n", grouped(cells.broken),
                  grouped(cells.cells),
                  100.0 * static_cast<double>(cells.broken) / static_cast<double>(cells.cells));
  if (const std::int64_t pulses = cells.pulses(); pulses > 0)
    console.print("  {} programming pulses, {:.2f} per cell\n", grouped(pulses),
                  static_cast<double>(pulses) / static_cast<double>(cells.cells));
  if (cells.verified() > 0)
    console.print("  {}",
                  verification_line(cells.within_tolerance(), cells.gave_up, gave_up_words(s, r)));
  if (cells.above_g_max + cells.clipped_at_zero + clipped > 0)
    console.print(
        "  of {} programmed cells {} above g_max, {} clipped at 0; {} weights beyond full scale\n",
        grouped(cells.cells), grouped(cells.above_g_max), grouped(cells.clipped_at_zero),
        grouped(clipped));
}

void print_budget(const RunResult& r, const RandomStream& stream, const Console& console) {
  console.print("\nerror budget (the same {}, {} test images)\n",
                count_of(static_cast<std::int64_t>(r.chip_accuracy.size()), "chip"),
                grouped(r.budget_images));
  console.print("  {:<24} {:>12} {:>6} {:>12}   {}\n", "", "accuracy (%)", "sd", "cost (points)",
                "95 % interval, over");
  for (std::size_t i = 0; i < r.budget.size(); ++i) {
    const BudgetLine& line = r.budget[i];
    Moments own;
    for (const double a : line.accuracy) own.add(a);
    if (line.is_float) {
      console.print("  {:<24} {:>12} {:>6}\n", line.label, per_cent(own.mean()), "");
      continue;
    }
    const BudgetCost cost = cost_of(r.budget, i, r.budget_images, stream);
    console.print("  {:<24} {:>12} {:>6} {:>+13.2f}   {}{}\n", line.label, per_cent(own.mean()),
                  line.differs_by_chip && own.count() > 1 ? per_cent(own.deviation()) : "",
                  100 * cost.mean, points_range(cost.interval),
                  cost.interval.is_known() ? std::string(", ") + sampled_by(line) : "");
  }
}

}  // namespace

void print_run(const RunSetting& s, const RunResult& r, const Console& console) {
  const RandomStream stream(static_cast<std::uint64_t>(s.experiment.run.seed));
  print_layers(s, r, console);
  print_accuracy(s, r, stream, console);
  print_cells(s, r, console);
  if (r.programmings * r.reads > 1) print_variance(r, console);
  if (!r.retention.empty()) print_retention(s, r, console);
  if (!r.budget.empty()) print_budget(r, stream, console);
}

}  // namespace ohmic::lab
