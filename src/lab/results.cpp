#include "lab/results.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <numeric>

#include "base/array_file.h"
#include "base/digest.h"
#include "base/host.h"
#include "base/kernels.h"
#include "base/parallel.h"
#include "lab/described_network.h"
#include "lab/version.h"

namespace ohmic::lab {
void write_header(h5::Writer& file, const Experiment& experiment, const ResultsIdentity& identity,
                  const Provenance& p) {
  file.attribute("/", "schema_version", kSchemaVersion);
  file.attribute("/", "rng_version", kRngVersion);
  file.attribute("/", "ohmic_version", std::string(kVersion));
  file.attribute("/", "command", identity.command);
  file.attribute("/", "seed", experiment.run.seed);
  file.attribute("/", "config", identity.config);
  file.attribute("/", "identity", identity.digest);
  file.write("/provenance/wall_seconds", std::vector<double>{p.wall_seconds});
  file.describe("/provenance/wall_seconds", "s", "wall time of the command");
  file.attribute("/provenance", "command_line", p.command);
  file.attribute("/provenance", "commit", std::string(commit()));
  file.attribute("/provenance", "host", host_name());
  file.attribute("/provenance", "instruction_set", std::string(kernels().level));
  file.attribute("/provenance", "threads", static_cast<std::int64_t>(threads()));
  file.attribute(
      "/provenance", "written",
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::now())));
  if (p.training_images_per_second > 0)
    file.attribute("/provenance", "training_images_per_second", p.training_images_per_second);
  if (p.seconds_a_chip > 0) file.attribute("/provenance", "seconds_a_chip", p.seconds_a_chip);
}

void write_training(h5::Writer& file, const NetworkOrigin& origin) {
  const nn::TrainingCourse& course = origin.course;
  if (course.loss.empty()) return;
  const auto write = [&](const char* name, const std::vector<double>& values, const char* unit,
                         const char* meaning) {
    file.write(name, values);
    file.describe(name, unit, meaning);
  };
  write("/training/loss", course.loss, "nat", "mean cross-entropy of each epoch");
  write("/training/accuracy", course.accuracy, "1", "training accuracy of each epoch");
  write("/training/validation_accuracy", course.validation_accuracy, "1",
        "validation accuracy after each epoch; NaN without validation images");
  write("/training/learning_rate", course.learning_rate, "1",
        "learning rate at the end of each epoch");
  if (course.monitors.empty()) return;
  file.write("/training/layer", origin.layers);
  file.describe("/training/layer", "1", "layers that are products, in order");
  const auto monitor = [&](const char* name, std::vector<double> nn::LayerMonitors::*member,
                           const char* meaning) {
    std::vector<double> all;
    for (const nn::LayerMonitors& m : course.monitors)
      all.insert(all.end(), (m.*member).begin(), (m.*member).end());
    const auto epochs = static_cast<Index>(course.monitors.size());
    file.write(name, {epochs, static_cast<Index>(all.size()) / epochs}, all.data());
    file.describe(name, "1", meaning);
  };
  monitor("/training/s_max", &nn::LayerMonitors::s_max,
          "largest singular value of the weights, epoch x layer (filters as rows)");
  monitor("/training/condition_number", &nn::LayerMonitors::condition_number,
          "largest over smallest singular value, epoch x layer");
  monitor("/training/noise_gain", &nn::LayerMonitors::noise_gain,
          "noise gain rho at sigma 0.5, epoch x layer: relative error that the variation of a "
          "layer's weights makes in its outputs");
}

void write_run(const std::filesystem::path& path, const RunSetting& s, const RunResult& r,
               const ResultsIdentity& identity, const Provenance& provenance) {
  h5::Writer file(path);
  const auto chips = static_cast<Index>(r.chip_accuracy.size());
  const auto write = [&](const std::string& name, const std::vector<Index>& shape,
                         const std::vector<double>& values, const std::string& unit,
                         const std::string& meaning) {
    file.write(name, shape, values.data());
    file.describe(name, unit, meaning);
  };
  write_header(file, s.experiment, identity, provenance);
  write_training(file, s.method.origin);

  const std::vector<Index> all{chips, r.programmings, r.reads};
  write("/chips/accuracy", {chips}, r.chip_accuracy, "1",
        "accuracy of each chip, mean over programmings and reads");
  write("/chips/accuracy_all", all, r.accuracy, "1", "accuracy, chip x programming x read");
  write("/chips/top5_accuracy_all", all, r.top5_accuracy, "1",
        "top-5 accuracy, chip x programming x read");
  write("/chips/loss_all", all, r.loss, "nat", "mean cross-entropy, chip x programming x read");
  file.write("/chips/class_accuracy", r.class_accuracy.view());
  file.describe("/chips/class_accuracy", "1", "accuracy of each class, chip x class");
  write("/chips/float_accuracy", {1}, {r.float_network.accuracy}, "1",
        "accuracy of the float network on the same images");
  write("/chips/yield", {1}, {r.yield()}, "1", "share of chips at or above yield_accuracy");
  file.attribute("/chips/yield", "yield_accuracy", r.yield_accuracy);
  file.attribute("/chips", "images", static_cast<std::int64_t>(r.float_network.images));

  if (r.programmings * r.reads > 1) {
    const VarianceSplit split = r.variance();
    const auto part = [&](const char* name, const VarianceComponent& c, const char* meaning) {
      if (!c.is_known) return;
      write(std::string("/chips/variance/") + name, {3},
            {c.variance, c.interval.low, c.interval.high}, "1",
            std::string("variance of accuracy ") + meaning + ": estimate, 95 % interval");
    };
    part("chip", split.group, "from chip to chip");
    part("programming", split.subgroup, "from programming to programming of a chip");
    part("read", split.member, "from read to read of a programming");
  }
  if (r.retention.size() > 0) {
    const std::vector<double>& times = s.experiment.time.retention;
    write("/retention/time", {static_cast<Index>(times.size())}, times, "s",
          "time after programming");
    file.write("/retention/accuracy", r.retention.view());
    file.describe("/retention/accuracy", "1", "time x chip: accuracy of chips programmed once");
    file.attach_scale("/retention/accuracy", 0, "/retention/time", "time");
    if (s.method.set.corrects())
      file.attribute(
          "/retention/accuracy", "calibration",
          std::string(s.experiment.time.calibration == CalibrationTime::once ? "once"
                                                                             : "each_time"));
  }
  for (const BudgetLine& line : r.budget)
    write("/error_budget/" + line.key, {chips}, line.accuracy, "1",
          "accuracy of each chip: " + line.label);
  if (!r.budget.empty())
    file.attribute("/error_budget", "images", static_cast<std::int64_t>(r.budget_images));

  std::vector<std::string> names;
  std::vector<std::int64_t> tiles, macs, cells, above, zero, cut, broken, pulses, within, gave_up;
  std::size_t most_pulses = 0;
  std::vector<double> dac_limit, adc_limit, dac_clipped, adc_clipped;
  const nn::Network& network = s.trained().network;
  for (std::size_t k = 0; k < s.plan().layers.size(); ++k) {
    const auto& plan = s.plan().layers[k];
    const std::string name = network.name(network.mac_layers()[k]);
    names.push_back(name);
    macs.push_back(network.mac(static_cast<Index>(k)).count());
    tiles.push_back(plan ? static_cast<std::int64_t>(plan->tiles()) : 0);
    const sim::CellCounts bounds = k < r.cells.size() ? r.cells[k] : sim::CellCounts();
    cells.push_back(bounds.cells);
    above.push_back(bounds.above_g_max);
    zero.push_back(bounds.cut_at_zero);
    broken.push_back(bounds.broken);
    pulses.push_back(bounds.pulses());
    within.push_back(bounds.verified() - bounds.gave_up);
    gave_up.push_back(bounds.gave_up);
    most_pulses = std::max(most_pulses, bounds.with_pulses.size());
    cut.push_back(plan ? plan->cut_weights : 0);
    const bool measured = plan && k < r.activity.layers.size();
    const Activity::Layer counts = measured ? r.activity.layers[k] : Activity::Layer();
    const auto share = [](std::int64_t part, std::int64_t whole) {
      return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
    };
    std::int64_t conversions = 0, clipped = 0;
    std::vector<double> of_tiles;
    for (const Activity::Tile& t : counts.tiles) {
      conversions += t.conversions;
      clipped += t.clipped;
      of_tiles.push_back(share(t.clipped, t.conversions));
    }
    dac_limit.push_back(plan ? plan->dac.limit : 0);
    adc_limit.push_back(plan && !plan->adc.front().is_ideal() ? plan->adc.front().high() : 0);
    dac_clipped.push_back(share(counts.dac_clipped, counts.dac_conversions));
    adc_clipped.push_back(share(clipped, conversions));
    if (!of_tiles.empty())
      write("/tiles/" + name + "/saturation", {static_cast<Index>(of_tiles.size())}, of_tiles, "1",
            "share of a tile's ADC conversions beyond the range, row tile by row tile");
  }
  const auto layers = static_cast<Index>(names.size());
  file.write("/layers/name", names);
  file.describe("/layers/name", "1", "layers that are products, in order");
  file.write("/layers/tiles", tiles);
  file.describe("/layers/tiles", "1", "tiles of each layer; 0: digital");
  file.write("/layers/macs", macs);
  file.describe("/layers/macs", "1", "multiply-accumulates an image");
  const auto count = [&](const char* name, const std::vector<std::int64_t>& values,
                         const char* meaning) {
    file.write(name, values);
    file.describe(name, "1", meaning);
  };
  count("/layers/cells", cells, "programmed cells of each layer, all chips and programmings");
  count("/layers/cells_above_g_max", above, "of them above g_max");
  count("/layers/cells_cut_at_zero", zero, "of them cut at 0 where more was asked for");
  count("/layers/cells_broken", broken, "of them stuck or on a dead line");
  count("/layers/pulses", pulses, "programming pulses of a verifying loop; 0 without one");
  if (most_pulses > 0) {
    count("/layers/cells_within_tolerance", within,
          "cells that a verifying loop brought within its tolerance");
    count("/layers/cells_gave_up", gave_up, "cells beyond the tolerance at the pulse limit");
    std::vector<std::int64_t> histogram, number(most_pulses);
    for (std::size_t k = 0; k < names.size(); ++k) {
      std::vector<std::int64_t> of = k < r.cells.size() ? r.cells[k].with_pulses : number;
      of.resize(most_pulses);
      histogram.insert(histogram.end(), of.begin(), of.end());
    }
    std::iota(number.begin(), number.end(), 0);
    file.write("/layers/pulse_number", number);
    file.describe("/layers/pulse_number", "1", "programming pulses of a cell");
    file.write("/layers/pulse_histogram", {layers, static_cast<Index>(most_pulses)},
               histogram.data());
    file.describe("/layers/pulse_histogram", "1",
                  "layer x pulses: cells that a verifying loop gave so many");
    file.attach_scale("/layers/pulse_histogram", 1, "/layers/pulse_number", "pulse_number");
  }
  count("/layers/weights_cut", cut, "weights beyond the full scale of array.scale_percentile");
  write("/layers/dac_limit", {layers}, dac_limit, "input units",
        "activation at the DAC's full scale");
  write("/layers/adc_limit", {layers}, adc_limit, "A",
        "current at the ADC's full scale (of the first tile); 0: ideal");
  write("/layers/dac_saturation", {layers}, dac_clipped, "1",
        "share of DAC conversions beyond the range");
  write("/layers/adc_saturation", {layers}, adc_clipped, "1",
        "share of ADC conversions beyond the range");
  if (!r.accumulated_db.empty()) {
    file.write("/layers/signal_to_error_accumulated", r.accumulated_db.view());
    file.describe("/layers/signal_to_error_accumulated", "dB",
                  "layer x chip, errors of earlier layers included");
    file.write("/layers/signal_to_error_isolated", r.isolated_db.view());
    file.describe("/layers/signal_to_error_isolated", "dB", "layer x chip, clean input");
  }
  file.commit();
}

Existing check_existing(const std::filesystem::path& file, const ResultsIdentity& identity,
                        bool force) {
  if (force || !std::filesystem::exists(file)) return Existing::nothing;
  ResultsIdentity found;
  std::string version;
  std::int64_t schema = 0, rng = 0;
  try {
    const h5::Reader reader(file);
    schema = reader.integer_attribute("/", "schema_version");
    rng = reader.integer_attribute("/", "rng_version");
    version = reader.string_attribute("/", "ohmic_version");
    found = {reader.string_attribute("/", "command"), reader.string_attribute("/", "config"),
             schema == kSchemaVersion ? reader.string_attribute("/", "identity") : ""};
  } catch (const FileError& error) {
    throw ConfigError(file.string() + " exists and is no results file of Ohmic (" + error.what() +
                      "); choose another folder with -o, or replace it with --force");
  }
  if (found.command == identity.command && found.digest == identity.digest) return Existing::same;
  const bool is_other_version =
      version != kVersion || rng != kRngVersion || schema != kSchemaVersion;
  const std::string other =
      found.command != identity.command ? "command (" + found.command + ")"
      : is_other_version
          ? fmt::format("version (Ohmic {}, rng_version {}, schema {}; this is {}, {}, {})",
                        version, rng, schema, kVersion, kRngVersion, kSchemaVersion)
      : found.config != identity.config ? "config"
                                        : "data set or input file, or another instruction set";
  throw ConfigError(file.string() + " holds the results of another " + other +
                    "; choose another folder with -o, or replace it with --force");
}

bool holds_results(const std::filesystem::path& file, const ResultsIdentity& identity) {
  try {
    return check_existing(file, identity, false) == Existing::same;
  } catch (const ConfigError&) {
    return false;
  }
}

void clear_kept(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_training = name.starts_with("training") && name.ends_with(".h5");
    const bool is_chip = name.starts_with("chip_") && name.ends_with(".h5");
    if (is_training || is_chip || name == "points" || name == "config.toml" ||
        (name.starts_with("seed-") && entry.is_directory()))
      std::filesystem::remove_all(entry.path(), ignored);
  }
}

OutputFolder::OutputFolder(const std::filesystem::path& folder) : folder_(folder) {
  std::error_code failed;
  is_ours_ = std::filesystem::create_directories(folder, failed);
  if (failed)
    throw FileError(folder.string() + ": the output folder cannot be made: " + failed.message());
  if (access(folder.c_str(), W_OK) != 0)
    throw FileError(folder.string() +
                    ": the output folder cannot be written: " + std::strerror(errno));
}

OutputFolder::~OutputFolder() {
  std::error_code is_not_empty;
  if (is_ours_) std::filesystem::remove(folder_, is_not_empty);
}

}  // namespace ohmic::lab
