#include "lab/results/schema.h"

#include <fmt/ranges.h>

namespace ohmic::lab {
namespace {

/// An axis: a data set that lies along itself.
DataSetEntry axis(const std::string& path, std::string unit, std::string meaning,
                  std::string when = "") {
  return {path,
          {path.substr(path.rfind('/') + 1)},
          std::move(unit),
          std::move(meaning),
          std::move(when)};
}

/// The axis of numbers that stand by themselves in a group.
DataSetEntry single(const std::string& group, const std::string& when = "") {
  return axis(group + "/single", "1", "axis of numbers that stand by themselves", when);
}

/// The course of a training, epoch by epoch.
std::vector<DataSetEntry> training(const std::string& when) {
  std::vector<DataSetEntry> all{
      axis("/training/epoch", "1", "number of the epoch, from 1"),
      {"/training/loss", {"epoch"}, "nat", "mean cross-entropy of each epoch"},
      {"/training/accuracy", {"epoch"}, "1", "training accuracy of each epoch"},
      {"/training/validation_accuracy",
       {"epoch"},
       "1",
       "validation accuracy after each epoch; NaN without validation images"},
      {"/training/learning_rate", {"epoch"}, "1", "learning rate at the end of each epoch"},
      axis("/training/layer", "1", "layers that are products, in order"),
      {"/training/s_max",
       {"epoch", "layer"},
       "1",
       "largest singular value of the weights, filters as rows"},
      {"/training/condition_number",
       {"epoch", "layer"},
       "1",
       "largest over smallest singular value; infinite where that is 0"},
      {"/training/noise_gain",
       {"epoch", "layer"},
       "1",
       "noise gain rho = cv sqrt(sum_ji w_ji^2 E[x_i^2] / sum_j Var y_j) at sigma 0.5: the "
       "relative error that variation of its own weights makes in a layer's outputs"}};
  for (DataSetEntry& entry : all) entry.when = when;
  return all;
}

/// Placements and what came of them, evaluation by evaluation or point by point.
std::vector<DataSetEntry> placements(const std::string& group, const std::string& along,
                                     const std::string& numbers) {
  return {axis(group + "/" + along, "1", numbers),
          axis(group + "/layer", "1", "candidate layers"),
          {group + "/action", {along, "layer"}, "1", "option of each candidate"},
          {group + "/ratio", {along, "layer"}, "1", "generated maps over output maps"},
          {group + "/accuracy",
           {along},
           "1",
           "accuracy on validation images of selection chips; NaN: beyond the limit, not measured"},
          {group + "/overhead", {along}, "1", "compensator weights over those of the network"},
          {group + "/overhead_macs",
           {along},
           "1",
           "compensator multiply-accumulates over those of the network"},
          {group + "/reward",
           {along},
           "1",
           "accuracy / clean accuracy - kappa times the overhead nearest to its limit, over that "
           "limit"}};
}

std::vector<DataSetEntry> joined(std::vector<DataSetEntry> all,
                                 const std::vector<DataSetEntry>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<DataSetEntry> run_entries() {
  return joined(
      std::vector<DataSetEntry>{
          axis("/chips/chip", "1", "number of the chip"),
          axis("/chips/programming", "1", "number of the programming of a chip"),
          axis("/chips/read", "1", "number of the read of a programming"),
          axis("/chips/class", "1", "class of the data set"),
          {"/chips/accuracy",
           {"chip"},
           "1",
           "accuracy of each chip, mean over programmings and reads, on the test set (or "
           "evaluation.images of it)"},
          {"/chips/accuracy_all", {"chip", "programming", "read"}, "1", "accuracy of every read"},
          {"/chips/top5_accuracy_all",
           {"chip", "programming", "read"},
           "1",
           "top-5 accuracy of every read"},
          {"/chips/loss_all",
           {"chip", "programming", "read"},
           "nat",
           "mean cross-entropy of every read"},
          {"/chips/class_accuracy",
           {"chip", "class"},
           "1",
           "accuracy of each class; NaN for a class without images"},
          {"/chips/float_accuracy", {}, "1", "accuracy of the float network on the same images"},
          {"/chips/yield", {}, "1", "fraction of chips at or above the attribute yield_accuracy"},
          single("/chips"),
          axis("/chips/variance/estimate", "1",
               "estimate, and the ends low and high of its 95 % interval (nested analysis of "
               "variance)",
               "where there are several programmings or reads"),
          {"/chips/variance/chip",
           {"estimate"},
           "1",
           "variance of accuracy from chip to chip",
           "where there are several programmings or reads"},
          {"/chips/variance/programming",
           {"estimate"},
           "1",
           "variance of accuracy from programming to programming of a chip",
           "where there are several"},
          {"/chips/variance/read",
           {"estimate"},
           "1",
           "variance of accuracy from read to read of a programming",
           "where there are several"},
          axis("/retention/time", "s", "time after programming", "with time.retention_s"),
          axis("/retention/chip", "1", "number of the chip", "with time.retention_s"),
          {"/retention/accuracy",
           {"time", "chip"},
           "1",
           "accuracy of chips that were programmed once; the attribute calibration (once: at the "
           "first time; each_time) where the method corrects chips",
           "with time.retention_s"},
          axis("/error_budget/chip", "1", "number of the chip", "with evaluation.budget_images"),
          {"/error_budget/float",
           {"chip"},
           "1",
           "accuracy without hardware, on the images of the budget",
           "with evaluation.budget_images"},
          {"/error_budget/mapping",
           {"chip"},
           "1",
           "accuracy with weights mapped to the levels of the cells; part of every line below",
           "with evaluation.budget_images"},
          {"/error_budget/converters",
           {"chip"},
           "1",
           "accuracy with DACs and ADCs only: cells at their targets, no noise",
           "with evaluation.budget_images"},
          {"/error_budget/programming",
           {"chip"},
           "1",
           "accuracy of programmed cells with ideal converters and no read noise",
           "with evaluation.budget_images"},
          {"/error_budget/drift",
           {"chip"},
           "1",
           "the same at time.at_s",
           "where time.at_s is above 0"},
          {"/error_budget/faults",
           {"chip"},
           "1",
           "accuracy with broken cells, the others at their targets",
           "where there are faults"},
          {"/error_budget/mean_shift",
           {"chip"},
           "1",
           "accuracy with every cell at the mean of its model, ideal converters",
           "with evaluation.budget_images"},
          {"/error_budget/read_noise",
           {"chip"},
           "1",
           "accuracy with cells at their targets, white read noise and ideal converters",
           "where there is read noise"},
          {"/error_budget/all",
           {"chip"},
           "1",
           "accuracy with everything",
           "with evaluation.budget_images"},
          axis("/layers/name", "1", "layers that are products, in order"),
          {"/layers/tiles", {"name"}, "1", "tiles of each layer; 0: digital"},
          {"/layers/macs", {"name"}, "1", "multiply-accumulates per image"},
          {"/layers/cells", {"name"}, "1", "programmed cells, of all chips and programmings"},
          {"/layers/cells_above_g_max", {"name"}, "1", "of them above g_max"},
          {"/layers/cells_cut_at_zero", {"name"}, "1", "of them at 0 where less was drawn"},
          {"/layers/cells_broken", {"name"}, "1", "of them stuck or on a dead line"},
          {"/layers/pulses",
           {"name"},
           "1",
           "programming pulses of a verifying loop; 0 without one"},
          {"/layers/cells_within_tolerance",
           {"name"},
           "1",
           "cells that a verifying loop brought within its tolerance",
           "where there is a verifying loop"},
          {"/layers/cells_gave_up",
           {"name"},
           "1",
           "cells beyond the tolerance at the pulse limit",
           "where there is a verifying loop"},
          axis("/layers/pulse_number", "1", "programming pulses of a cell",
               "where there is a verifying loop"),
          {"/layers/pulse_histogram",
           {"name", "pulse_number"},
           "1",
           "cells to which a verifying loop gave so many pulses",
           "where there is a verifying loop"},
          {"/layers/weights_cut",
           {"name"},
           "1",
           "weights beyond the full scale of array.scale_percentile"},
          {"/layers/dac_limit", {"name"}, "input units", "activation at the full scale of the DAC"},
          {"/layers/adc_limit",
           {"name"},
           "A",
           "current at the full scale of the ADC (of the first tile); 0: ideal"},
          {"/layers/dac_saturation",
           {"name"},
           "1",
           "fraction of DAC conversions beyond the range by more than half a code"},
          {"/layers/adc_saturation",
           {"name"},
           "1",
           "fraction of ADC conversions beyond the range by more than half a code"},
          axis("/layers/chip", "1", "number of the chip", "with evaluation.error_images"),
          {"/layers/signal_to_error_accumulated",
           {"name", "chip"},
           "dB",
           "clean output over its error, errors of earlier layers included",
           "with evaluation.error_images"},
          {"/layers/signal_to_error_isolated",
           {"name", "chip"},
           "dB",
           "clean output over its error on clean input",
           "with evaluation.error_images"},
          axis("/tiles/<layer>/tile", "1", "number of the row tile", "of layers on tiles"),
          {"/tiles/<layer>/saturation",
           {"tile"},
           "1",
           "fraction of a row tile's ADC conversions beyond the range",
           "of layers on tiles"}},
      training("where the method trained"));
}

std::vector<DataSetEntry> chip_entries() {
  return std::vector<DataSetEntry>{
      axis("/layers/<layer>/polarity", "1",
           "0: the positive device of a weight, 1: the negative one"),
      axis("/layers/<layer>/output", "1", "number of the output"),
      axis("/layers/<layer>/input", "1", "number of the input"),
      {"/layers/<layer>/target", {"polarity", "output", "input"}, "S", "conductance asked for"},
      {"/layers/<layer>/programmed",
       {"polarity", "output", "input"},
       "S",
       "conductance after programming, before relaxation and drift"},
      {"/layers/<layer>/aged",
       {"polarity", "output", "input"},
       "S",
       "conductance at the attribute time_s, broken cells included"},
      {"/layers/<layer>/state/broken",
       {"polarity", "output", "input"},
       "S",
       "what broken cells conduct; -1: not broken",
       "where there are faults"},
      {"/layers/<layer>/state/<plane>",
       {"polarity", "output", "input"},
       "1",
       "state of the device model",
       "of models that keep one"}};
}

std::vector<DataSetEntry> train_entries() {
  return joined(
      std::vector<DataSetEntry>{
          {"/training/test_accuracy", {}, "1", "accuracy of the float network on the test set"},
          single("/training")},
      training(""));
}

std::vector<DataSetEntry> compare_entries() {
  return std::vector<DataSetEntry>{
      axis("/method", "1", "method, or methods joined with +"),
      axis("/training_seed", "1", "training.seed of the network"),
      axis("/hardware", "1", "the config's hardware, or ideal hardware"),
      axis("/axes/<key>", "the key's",
           "values of a key of the comparison's axes, numbers or words; sigmas are device.sigma, "
           "the first axis",
           "with axes"),
      axis("/methods/<method>/training_seed", "1", "training.seed of the network"),
      axis("/methods/<method>/hardware", "1", "the config's hardware, or ideal hardware"),
      axis("/methods/<method>/<key>", "the key's",
           "values of a key of the comparison's axes; further keys of a zipped axis are scales of "
           "the same dimension",
           "with axes"),
      axis("/methods/<method>/chip", "1", "number of the chip: the same chip at every point"),
      {"/methods/<method>/accuracy",
       {"training_seed", "hardware", "axis...", "chip"},
       "1",
       "accuracy on the test set"},
      {"/methods/<method>/training_mean",
       {"training_seed", "hardware", "axis..."},
       "1",
       "mean accuracy over the chips of each training"},
      {"/methods/<method>/clean_accuracy",
       {"training_seed"},
       "1",
       "accuracy of the float network on the same images"},
      {"/methods/<method>/selection_accuracy",
       {"training_seed", "hardware", "axis..."},
       "1",
       "accuracy on validation images of selection chips",
       "with compare.selection_chips"},
      {"/methods/<method>/overhead_weights", {}, "1", "digital weights over those of the network"},
      {"/methods/<method>/overhead_macs",
       {},
       "1",
       "digital multiply-accumulates over those of the network"},
      {"/methods/<method>/verified", {}, "1", "weights that are programmed with verification"},
      {"/methods/<method>/pulses",
       {"training_seed", "hardware", "axis..."},
       "1",
       "programming pulses beyond one per cell: of loops counted, of the method write_verify "
       "estimated"},
      {"/methods/<method>/copies", {}, "1", "programmed copies of every matrix"},
      {"/methods/<method>/calibration_images",
       {},
       "1",
       "images that every chip reads before it is used"},
      {"/methods/<method>/cells_within_tolerance",
       {"training_seed", "hardware", "axis..."},
       "1",
       "cells of all chips that a verifying loop brought within its tolerance",
       "where there is a verifying loop"},
      {"/methods/<method>/cells_gave_up",
       {"training_seed", "hardware", "axis..."},
       "1",
       "cells of all chips beyond the tolerance at the pulse limit",
       "where there is a verifying loop"},
      single("/methods/<method>")};
}

std::vector<DataSetEntry> search_entries() {
  return joined(
      joined(placements("/search", "evaluation", "number of the evaluation, in order"),
             joined(placements("/pareto", "point",
                               "number of the point on the front of accuracy against weights"),
                    placements("/pareto_macs", "point",
                               "number of the point on the front of accuracy against "
                               "multiply-accumulates"))),
      {axis("/placement/layer", "1",
            "layers that have a compensator: what [methods.compensation] placement reads"),
       {"/placement/ratio", {"layer"}, "1", "generated maps over output maps"},
       axis("/candidates/layer", "1", "layers that are products, in order"),
       {"/candidates/from_layer_on", {"layer"}, "1", "accuracy with variation from each layer on"},
       {"/candidates/only_layer", {"layer"}, "1", "accuracy with variation in one layer only"}});
}

std::vector<DataSetEntry> sweep_entries() {
  return std::vector<DataSetEntry>{
      axis("/<key>", "the key's",
           "values of an axis: numbers, or names of tables and words; further keys of a zipped "
           "axis lie along the first, keys of a sample along point, and stand in the attribute "
           "coordinates",
           "of a grid or a sample"),
      axis("/point", "1", "number of the sampled point", "of a sample"),
      axis("/chip", "1",
           "number of the chip: the same chip at every point, unless sweep.independent_points"),
      {"/accuracy",
       {"axis...", "chip"},
       "1",
       "accuracy of each chip, mean over programmings and reads; NaN beyond chips_done, and where "
       "a point failed or is missing"},
      {"/top5_accuracy",
       {"axis...", "chip"},
       "1",
       "fraction of images whose class is among the five most likely"},
      {"/loss", {"axis...", "chip"}, "nat", "mean cross-entropy of each chip"},
      {"/float_accuracy",
       {"axis..."},
       "1",
       "accuracy of the network without hardware, on the same images"},
      {"/overhead_weights", {"axis..."}, "1", "digital weights over those of the network"},
      {"/overhead_macs",
       {"axis..."},
       "1",
       "digital multiply-accumulates over those of the network"},
      {"/verified", {"axis..."}, "1", "weights that are programmed with verification"},
      {"/pulses",
       {"axis..."},
       "1",
       "programming pulses beyond one per cell: of loops counted, of the method write_verify "
       "estimated"},
      {"/copies", {"axis..."}, "1", "programmed copies of every matrix"},
      {"/calibration_images", {"axis..."}, "1", "images that every chip reads before it is used"},
      {"/cells_within_tolerance",
       {"axis..."},
       "1",
       "cells of all measured chips that a verifying loop brought within its tolerance",
       "where there is a verifying loop"},
      {"/cells_gave_up",
       {"axis..."},
       "1",
       "cells of all measured chips beyond the tolerance at the pulse limit",
       "where there is a verifying loop"},
      {"/chips_done", {"axis..."}, "1", "chips that were measured"},
      {"/status", {"axis..."}, "1", "0 done, 1 failed, 2 missing"},
      {"/message", {"axis..."}, "1", "why a point failed"},
      {"/error_budget_<line>",
       {"axis...", "chip"},
       "1",
       "accuracy of each chip in the error budget, as in run",
       "with sweep.measure = [\"error_budget\"]"},
      axis("/layer", "1", "layers that are products", "with sweep.measure = [\"layers\"]"),
      {"/signal_to_error_accumulated",
       {"axis...", "layer", "chip"},
       "dB",
       "clean output over its error, errors of earlier layers included",
       "with sweep.measure = [\"layers\"]"},
      {"/signal_to_error_isolated",
       {"axis...", "layer", "chip"},
       "dB",
       "clean output over its error on clean input",
       "with sweep.measure = [\"layers\"]"}};
}

std::vector<DataSetEntry> mvm_entries() {
  return std::vector<DataSetEntry>{
      axis("/chip", "1", "number of the chip", "of several chips, and with --dump"),
      axis("/vector", "1", "number of the vector"),
      axis("/output", "1", "number of the output"),
      axis("/polarity", "1", "0: the positive device of a weight, 1: the negative one",
           "with --dump"),
      axis("/input", "1", "number of the input", "with --dump"),
      axis("/row_tile", "1", "number of the row tile", "with --dump"),
      axis("/conversion", "1", "number of the conversion of a vector in one row tile",
           "with --dump"),
      {"/y",
       {"chip", "vector", "output"},
       "output units",
       "products; of one chip without the axis chip",
       "in -o FILE.h5"},
      {"/cells_within_tolerance",
       {},
       "1",
       "cells of all chips that a verifying loop brought within its tolerance",
       "in -o FILE.h5, where there is a verifying loop"},
      {"/cells_gave_up",
       {},
       "1",
       "cells of all chips beyond the tolerance at the pulse limit",
       "in -o FILE.h5, where there is a verifying loop"},
      single("", "in -o FILE.h5, where there is a verifying loop"),
      {"/target",
       {"chip", "polarity", "output", "input"},
       "S",
       "conductance asked for",
       "with --dump"},
      {"/programmed",
       {"chip", "polarity", "output", "input"},
       "S",
       "conductance after programming, before relaxation and drift",
       "with --dump"},
      {"/aged",
       {"chip", "polarity", "output", "input"},
       "S",
       "conductance at the time of reading",
       "with --dump"},
      {"/state/<plane>",
       {"chip", "polarity", "output", "input"},
       "1",
       "state of the device model",
       "with --dump, of models that keep one"},
      {"/dac_codes",
       {"vector", "input"},
       "1",
       "codes of the DAC; ideal: the inputs",
       "with --dump"},
      {"/currents",
       {"chip", "row_tile", "vector", "conversion"},
       "A",
       "current before the ADC",
       "with --dump"},
      {"/adc_codes",
       {"chip", "row_tile", "vector", "conversion"},
       "1",
       "codes of the ADC; NaN: ideal",
       "with --dump"}};
}

/// Whether `word` has the form of `pattern`, in which <NAME> stands for any word without a "/".
bool matches(std::string_view pattern, std::string_view word) {
  while (!pattern.empty()) {
    if (pattern.front() == '<') {
      pattern.remove_prefix(pattern.find('>') + 1);
      const std::size_t end =
          pattern.empty() ? word.find('/') : word.find(pattern.front(), word.empty() ? 0 : 1);
      if (word.empty() || end == 0) return false;
      if (pattern.empty()) return end == word.npos;
      if (end == word.npos) return false;
      word.remove_prefix(end);
      continue;
    }
    if (word.empty() || word.front() != pattern.front()) return false;
    pattern.remove_prefix(1);
    word.remove_prefix(1);
  }
  return word.empty();
}

}  // namespace

const std::vector<FileSchema>& schema() {
  static const std::vector<FileSchema> all{{"run", "ohmic run", run_entries()},
                                           {"chip", "ohmic run --dump-chip N", chip_entries()},
                                           {"train", "ohmic train", train_entries()},
                                           {"compare", "ohmic compare", compare_entries()},
                                           {"search", "ohmic search", search_entries()},
                                           {"sweep", "ohmic sweep", sweep_entries()},
                                           {"mvm", "ohmic mvm", mvm_entries()}};
  return all;
}

const DataSetEntry* find_entry(std::string_view file, std::string_view path) {
  // Of several that fit, the one that says most of the path: "/a/<b>/c" before "/a/<b>/<c>".
  const auto letters = [](const DataSetEntry& entry) {
    std::size_t count = 0;
    bool is_open = false;
    for (const char c : entry.path) {
      is_open = is_open || c == '<';
      count += !is_open;
      if (c == '>') is_open = false;
    }
    return count;
  };
  const DataSetEntry* found = nullptr;
  for (const FileSchema& one : schema())
    for (const DataSetEntry& entry : one.entries)
      if (one.name == file && matches(entry.path, path) &&
          (!found || letters(entry) > letters(*found)))
        found = &entry;
  return found;
}

std::string schema_markdown() {
  std::string text;
  for (const FileSchema& file : schema()) {
    text += fmt::format("{}## {}\n| data set | along | unit | what it holds |\n|---|---|---|---|\n",
                        text.empty() ? "" : "\n", file.title);
    for (const DataSetEntry& entry : file.entries)
      text +=
          fmt::format("| `{}` | {} | {} | {}{} |\n", entry.path,
                      entry.is_axis()      ? "axis"
                      : entry.axes.empty() ? "single"
                                           : fmt::format("{}", fmt::join(entry.axes, " x ")),
                      entry.unit, entry.meaning, entry.when.empty() ? "" : " (" + entry.when + ")");
  }
  return text;
}

}  // namespace ohmic::lab
