#include "lab/results/results.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/host.h"
#include "base/kernels.h"
#include "base/parallel.h"
#include "io/array_file.h"
#include "io/digest.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/version.h"
#include "lab/results/scaled_group.h"

namespace ohmic::lab {
namespace {

std::vector<double> values_of(const Matrix<double>& matrix) {
  return {matrix.data(), matrix.data() + matrix.size()};
}

}  // namespace

void write_header(h5::Writer& file, const Experiment& experiment, const ResultsIdentity& identity,
                  const Provenance& p) {
  file.attribute("/", "schema_version", kSchemaVersion);
  file.attribute("/", "rng_version", kRngVersion);
  file.attribute("/", "ohmic_version", std::string(kVersion));
  file.attribute("/", "command", identity.command);
  file.attribute("/", "seed", experiment.run.seed);
  file.attribute("/", "config", identity.config);
  file.attribute("/", "identity", identity.digest);
  ScaledGroup(file, "/provenance")
      .write("wall_seconds", {}, std::vector<double>{p.wall_seconds}, "s",
             "wall time of the command");
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

void write_training(h5::Writer& file, const NetworkOrigin& origin,
                    std::optional<double> test_accuracy) {
  const nn::TrainingCourse& course = origin.course;
  ScaledGroup out(file, "/training");
  if (test_accuracy)
    out.write("test_accuracy", {}, std::vector<double>{*test_accuracy}, "1",
              "accuracy of the float network on the test set");
  if (course.loss.empty()) return;
  out.count("epoch", static_cast<Index>(course.loss.size()), "number of the epoch, from 1", 1);
  out.write("loss", {"epoch"}, course.loss, "nat", "mean cross-entropy of each epoch");
  out.write("accuracy", {"epoch"}, course.accuracy, "1", "training accuracy of each epoch");
  out.write("validation_accuracy", {"epoch"}, course.validation_accuracy, "1",
            "validation accuracy after each epoch; NaN without validation images");
  out.write("learning_rate", {"epoch"}, course.learning_rate, "1",
            "learning rate at the end of each epoch");
  if (course.monitors.size() != course.loss.size()) return;
  out.axis("layer", origin.layers, "1", "layers that are products, in order");
  const auto monitor = [&](const char* name, std::vector<double> nn::LayerMonitors::*member,
                           const char* meaning) {
    std::vector<double> all;
    for (const nn::LayerMonitors& m : course.monitors)
      all.insert(all.end(), (m.*member).begin(), (m.*member).end());
    out.write(name, {"epoch", "layer"}, all, "1", meaning);
  };
  monitor("s_max", &nn::LayerMonitors::s_max,
          "largest singular value of the weights, epoch x layer (filters as rows)");
  monitor("condition_number", &nn::LayerMonitors::condition_number,
          "largest over smallest singular value, epoch x layer");
  monitor("noise_gain", &nn::LayerMonitors::noise_gain,
          "noise gain rho at sigma 0.5, epoch x layer: relative error that the variation of a "
          "layer's weights makes in its outputs");
}

void write_run(const std::filesystem::path& path, const RunSetting& s, const RunResult& r,
               const ResultsIdentity& identity, const Provenance& provenance) {
  h5::Writer file(path);
  const auto chips = static_cast<Index>(r.chip_accuracy.size());
  const auto add_chips = [&](ScaledGroup& group) {
    group.count("chip", chips, "number of the chip");
  };
  write_header(file, s.experiment, identity, provenance);
  write_training(file, s.method.origin);

  ScaledGroup of_chips(file, "/chips");
  add_chips(of_chips);
  of_chips.count("programming", r.programmings, "number of the programming of a chip");
  of_chips.count("read", r.reads, "number of the read of a programming");
  of_chips.count("class", r.class_accuracy.columns(), "class of the data set");
  const std::vector<std::string> all{"chip", "programming", "read"};
  of_chips.write("accuracy", {"chip"}, r.chip_accuracy, "1",
                 "accuracy of each chip, mean over programmings and reads");
  of_chips.write("accuracy_all", all, r.accuracy, "1", "accuracy, chip x programming x read");
  of_chips.write("top5_accuracy_all", all, r.top5_accuracy, "1",
                 "top-5 accuracy, chip x programming x read");
  of_chips.write("loss_all", all, r.loss, "nat", "mean cross-entropy, chip x programming x read");
  of_chips.write("class_accuracy", {"chip", "class"}, values_of(r.class_accuracy), "1",
                 "accuracy of each class, chip x class");
  of_chips.write("float_accuracy", {}, std::vector<double>{r.float_network.accuracy}, "1",
                 "accuracy of the float network on the same images");
  of_chips.write("yield", {}, std::vector<double>{r.yield()}, "1",
                 "share of chips at or above yield_accuracy");
  file.attribute("/chips/yield", "yield_accuracy", r.yield_accuracy);
  file.attribute("/chips", "images", static_cast<std::int64_t>(r.float_network.images));

  if (r.programmings * r.reads > 1) {
    const VarianceSplit split = r.variance();
    ScaledGroup out(file, "/chips/variance");
    out.axis("estimate", std::vector<std::string>{"estimate", "low", "high"}, "1",
             "estimate and the ends of its 95 % interval");
    const auto part = [&](const char* name, const VarianceComponent& c, const char* meaning) {
      if (!c.is_known) return;
      out.write(name, {"estimate"},
                std::vector<double>{c.variance, c.interval.low, c.interval.high}, "1",
                std::string("variance of accuracy ") + meaning + ": estimate, 95 % interval");
    };
    part("chip", split.group, "from chip to chip");
    part("programming", split.subgroup, "from programming to programming of a chip");
    part("read", split.member, "from read to read of a programming");
  }
  if (!r.retention.empty()) {
    ScaledGroup out(file, "/retention");
    out.axis("time", s.experiment.time.retention, "s", "time after programming");
    add_chips(out);
    out.write("accuracy", {"time", "chip"}, values_of(r.retention), "1",
              "time x chip: accuracy of chips programmed once");
    if (s.method.set.any(&Method::corrects))
      file.attribute(
          "/retention/accuracy", "calibration",
          std::string(s.experiment.time.calibration == CalibrationTime::once ? "once"
                                                                             : "each_time"));
  }
  if (!r.budget.empty()) {
    ScaledGroup out(file, "/error_budget");
    add_chips(out);
    for (const BudgetLine& line : r.budget)
      out.write(line.key, {"chip"}, line.accuracy, "1", "accuracy of each chip: " + line.label);
    file.attribute("/error_budget", "images", static_cast<std::int64_t>(r.budget_images));
  }

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
    if (of_tiles.empty()) continue;
    ScaledGroup out(file, "/tiles/" + name);
    out.count("tile", static_cast<Index>(of_tiles.size()), "number of the row tile");
    out.write("saturation", {"tile"}, of_tiles, "1",
              "share of a tile's ADC conversions beyond the range, row tile by row tile");
  }
  ScaledGroup out(file, "/layers");
  out.axis("name", names, "1", "layers that are products, in order");
  const auto count = [&](const char* name, const std::vector<std::int64_t>& values,
                         const char* meaning) { out.write(name, {"name"}, values, "1", meaning); };
  count("tiles", tiles, "tiles of each layer; 0: digital");
  count("macs", macs, "multiply-accumulates an image");
  count("cells", cells, "programmed cells of each layer, all chips and programmings");
  count("cells_above_g_max", above, "of them above g_max");
  count("cells_cut_at_zero", zero, "of them cut at 0 where more was asked for");
  count("cells_broken", broken, "of them stuck or on a dead line");
  count("pulses", pulses, "programming pulses of a verifying loop; 0 without one");
  if (most_pulses > 0) {
    count("cells_within_tolerance", within,
          "cells that a verifying loop brought within its tolerance");
    count("cells_gave_up", gave_up, "cells beyond the tolerance at the pulse limit");
    std::vector<std::int64_t> histogram;
    for (std::size_t k = 0; k < names.size(); ++k) {
      std::vector<std::int64_t> of =
          k < r.cells.size() ? r.cells[k].with_pulses : std::vector<std::int64_t>();
      of.resize(most_pulses);
      histogram.insert(histogram.end(), of.begin(), of.end());
    }
    out.count("pulse_number", static_cast<Index>(most_pulses), "programming pulses of a cell");
    out.write("pulse_histogram", {"name", "pulse_number"}, histogram, "1",
              "layer x pulses: cells that a verifying loop gave so many");
  }
  count("weights_cut", cut, "weights beyond the full scale of array.scale_percentile");
  out.write("dac_limit", {"name"}, dac_limit, "input units", "activation at the DAC's full scale");
  out.write("adc_limit", {"name"}, adc_limit, "A",
            "current at the ADC's full scale (of the first tile); 0: ideal");
  out.write("dac_saturation", {"name"}, dac_clipped, "1",
            "share of DAC conversions beyond the range");
  out.write("adc_saturation", {"name"}, adc_clipped, "1",
            "share of ADC conversions beyond the range");
  if (!r.accumulated_db.empty()) {
    add_chips(out);
    out.write("signal_to_error_accumulated", {"name", "chip"}, values_of(r.accumulated_db), "dB",
              "layer x chip, errors of earlier layers included");
    out.write("signal_to_error_isolated", {"name", "chip"}, values_of(r.isolated_db), "dB",
              "layer x chip, clean input");
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
    if (h5::condition_of(file) == h5::Condition::damaged || std::filesystem::is_empty(file))
      return Existing::damaged;
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
    if (is_training || is_chip || name == "points" || name == "config.toml")
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
