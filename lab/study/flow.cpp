#include "lab/study/flow.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/progress.h"
#include "lab/study/chip_loop.h"

namespace ohmic::lab {
namespace {

constexpr const char* kGoOn =
    "interrupted; the trained network is kept: the same command goes on from it";

/// One programmed chip at every time of the retention curve, read by the first read.
void measure_retention(const RunSetting& s, const nn::ImageList& images, const Chip& made,
                       Index chip, RunResult& result) {
  const TimeParams& time = s.experiment.time;
  const std::vector<double>& times = time.retention;
  std::optional<Chip> calibrated;  // none: corrected anew at each time
  if (!times.empty() && time.calibration == CalibrationTime::once)
    calibrated.emplace(s.chips.after_drift(made, chip, 0, time.first_retention(), nullptr));
  for (std::size_t t = 0; t < times.size(); ++t) {
    stop_if_interrupted(kGoOn);
    const Chip later =
        s.chips.after_drift(made, chip, 0, times[t], calibrated ? &*calibrated : nullptr);
    result.retention(static_cast<Index>(t), chip) =
        evaluate_chip(later.network, later.parameters, images, s.data.normalisation,
                      later.deployment, s.chips.reader(chip, 0, 0), s.experiment.evaluation.batch)
            .accuracy;
  }
}

/// Accuracy of every chip, programming and read on the test set, and the retention curve of first
/// programmings.
void measure_accuracy(const RunSetting& s, const nn::ImageList& images, const Console& console,
                      RunResult& result) {
  const RunParams& run = s.experiment.run;
  const auto reads_of_chip = run.programmings_per_chip * run.reads_per_programming;
  Progress progress("chips", run.chips * reads_of_chip, console.quiet);
  result.class_accuracy = Matrix<double>(run.chips, s.data.classes());
  result.retention =
      Matrix<double>(static_cast<Index>(s.experiment.time.retention.size()), run.chips);
  const double fraction = 1.0 / static_cast<double>(reads_of_chip);
  const ChipLoop loop{.chips = s.chips,
                      .data = s.data,
                      .images = images,
                      .count = run.chips,
                      .programmings = run.programmings_per_chip,
                      .reads = run.reads_per_programming,
                      .batch = s.experiment.evaluation.batch,
                      .ideal_hardware = s.ideal_hardware,
                      .how_to_go_on = kGoOn};
  ChipLoopHooks hooks;
  hooks.read = [&](Index chip, const nn::Evaluation& e) {
    if (result.chip_accuracy.size() == static_cast<std::size_t>(chip))
      result.chip_accuracy.push_back(0);
    result.accuracy.push_back(e.accuracy);
    result.top5_accuracy.push_back(e.top5_accuracy);
    result.loss.push_back(e.loss);
    for (Index c = 0; c < s.data.classes(); ++c)
      result.class_accuracy(chip, c) += e.class_accuracy[static_cast<std::size_t>(c)] * fraction;
    result.chip_accuracy.back() += e.accuracy;
    if (result.accuracy.size() % static_cast<std::size_t>(reads_of_chip) == 0)
      result.chip_accuracy.back() *= fraction;
  };
  hooks.programmed = [&](Index chip, Index programming, const Chip& made) {
    if (chip == 0 && programming == 0) result.cost = s.chips.cost(made);
    result.cells.resize(made.cells.size());
    for (std::size_t k = 0; k < made.cells.size(); ++k) result.cells[k].add(made.cells[k]);
    if (programming == 0) measure_retention(s, images, made, chip, result);
  };
  if (s.enough) hooks.enough = [&] { return s.enough(result.chip_accuracy); };
  result.seconds_a_chip = for_each_chip(loop, hooks, progress, &result.activity) /
                          static_cast<double>(run.reads_per_programming);
}

/// One line of the error budget on one chip.
nn::Evaluation evaluate_line(const RunSetting& s, const BudgetLine& line, Index chip,
                             const nn::ImageList& images) {
  if (line.is_float)
    return nn::evaluate(s.trained().network, s.trained().parameters, images, s.data.normalisation);
  const Chip made = s.chips.make(chip, 0, line.options);
  return evaluate_chip(made.network, made.parameters, images, s.data.normalisation, made.deployment,
                       s.chips.reader(chip, 0, 0), s.experiment.evaluation.batch);
}

/// Counts the images that only the line has right, and that only the float network has.
void compare_hits(const std::vector<std::uint8_t>& hits,
                  const std::vector<std::uint8_t>& float_hits, BudgetLine& line) {
  line.gained = line.lost = 0;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    *line.gained += hits[i] > float_hits[i];
    *line.lost += hits[i] < float_hits[i];
  }
}

/// The error budget: parts of the hardware, on the same chips and images.
void measure_budget(const RunSetting& s, const nn::ImageList& images, const Console& console,
                    RunResult& result) {
  BudgetParts parts{.seconds = s.experiment.time.at};
  for (const auto& layer : s.plan().layers) {
    if (!layer) continue;
    const devices::DeviceModel& device = *layer->hardware.device;
    parts.read_noise =
        parts.read_noise || device.cell_reads() || device.uniform_read_sigma().value_or(1.0) > 0;
    parts.faults = parts.faults || layer->hardware.faults.is_active();
  }
  result.budget = budget_lines(parts);
  result.budget_images = images.size();
  const auto chips = static_cast<Index>(result.chip_accuracy.size());
  Index steps = 0;
  for (const BudgetLine& line : result.budget) steps += line.differs_by_chip ? chips : 1;
  Progress progress("error budget", steps, console.quiet);
  std::vector<std::uint8_t> float_hits;
  for (BudgetLine& line : result.budget)
    for (Index chip = 0; chip < chips; ++chip) {
      if (chip > 0 && !line.differs_by_chip) {
        line.accuracy.push_back(line.accuracy.front());
        continue;
      }
      stop_if_interrupted(kGoOn);
      const nn::Evaluation e = evaluate_line(s, line, chip, images);
      line.accuracy.push_back(e.accuracy);
      if (line.is_float) float_hits = e.is_correct;
      if (!line.is_float && !line.differs_by_chip) compare_hits(e.is_correct, float_hits, line);
      progress.advance();
    }
}

/// Signal-to-error ratios of the layers, chip by chip.
void measure_layers(const RunSetting& s, const nn::ImageList& images, const Console& console,
                    RunResult& result) {
  const CleanActivations clean(s.trained().network, s.trained().parameters, images,
                               s.data.normalisation);
  const auto layers = static_cast<Index>(s.plan().layers.size());
  const auto chips = static_cast<Index>(result.chip_accuracy.size());
  result.accumulated_db = Matrix<double>(layers, chips);
  result.isolated_db = Matrix<double>(layers, chips);
  Progress progress("layer errors", chips, console.quiet);
  for (Index chip = 0; chip < chips; ++chip) {
    stop_if_interrupted(kGoOn);
    const Chip made = s.chips.make(chip, 0, s.chips.as_configured());
    const LayerErrors errors = layer_errors(made.network, made.parameters, clean, made.deployment,
                                            s.chips.reader(chip, 0, 0));
    for (Index k = 0; k < layers; ++k) {
      result.accumulated_db(k, chip) = errors.accumulated_db[static_cast<std::size_t>(k)];
      result.isolated_db(k, chip) = errors.isolated_db[static_cast<std::size_t>(k)];
    }
    progress.advance();
  }
}

}  // namespace

VarianceSplit RunResult::variance() const {
  return nested_variance(accuracy, static_cast<std::int64_t>(chip_accuracy.size()), programmings,
                         reads);
}

double RunResult::yield() const {
  double good = 0;
  for (const double a : chip_accuracy) good += a >= yield_accuracy;
  return good / static_cast<double>(chip_accuracy.size());
}

RunResult measure(const RunSetting& s, const Console& console) {
  const EvaluationParams& evaluation = s.experiment.evaluation;
  const nn::ImageList images = evaluated_images(s.experiment, s.data);
  RunResult result;
  result.programmings = s.experiment.run.programmings_per_chip;
  result.reads = s.experiment.run.reads_per_programming;
  result.float_network = s.float_network ? *s.float_network
                                         : nn::evaluate(s.trained().network, s.trained().parameters,
                                                        images, s.data.normalisation);
  result.yield_accuracy = evaluation.yield_accuracy.value_or(0.95 * result.float_network.accuracy);
  measure_accuracy(s, images, console, result);
  if (evaluation.budget_images > 0)
    measure_budget(s, s.data.test.first(evaluation.budget_images), console, result);
  if (evaluation.error_images > 0)
    measure_layers(s, s.data.test.first(evaluation.error_images), console, result);
  return result;
}

}  // namespace ohmic::lab
