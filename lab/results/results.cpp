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
  // Provenance is of the file, not of its results: it stands in no schema.
  file.write("/provenance/wall_seconds", std::vector<double>{p.wall_seconds});
  file.describe("/provenance/wall_seconds", "s", "wall time of the command");
  file.write("/provenance/single", std::vector<std::int64_t>{0});
  file.describe("/provenance/single", "1", "axis of numbers that stand by themselves");
  file.attach_scale("/provenance/wall_seconds", 0, "/provenance/single", "single");
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

void write_training(h5::Writer& file, const std::string& kind, const NetworkOrigin& origin,
                    std::optional<double> test_accuracy) {
  const nn::TrainingCourse& course = origin.course;
  ScaledGroup out(file, kind, "/training");
  if (test_accuracy) out.write("test_accuracy", *test_accuracy);
  if (course.loss.empty()) return;
  out.count("epoch", static_cast<Index>(course.loss.size()), 1);
  out.write("loss", course.loss);
  out.write("accuracy", course.accuracy);
  out.write("validation_accuracy", course.validation_accuracy);
  out.write("learning_rate", course.learning_rate);
  if (course.monitors.size() != course.loss.size()) return;
  out.axis("layer", origin.layers);
  const auto monitor = [&](const char* name, std::vector<double> nn::LayerMonitors::*member) {
    std::vector<double> all;
    for (const nn::LayerMonitors& m : course.monitors)
      all.insert(all.end(), (m.*member).begin(), (m.*member).end());
    out.write(name, all);
  };
  monitor("s_max", &nn::LayerMonitors::s_max);
  monitor("condition_number", &nn::LayerMonitors::condition_number);
  monitor("noise_gain", &nn::LayerMonitors::noise_gain);
}

namespace {

void write_chips(h5::Writer& file, const RunResult& r) {
  ScaledGroup out(file, "run", "/chips");
  out.count("chip", static_cast<Index>(r.chip_accuracy.size()));
  out.count("programming", r.programmings);
  out.count("read", r.reads);
  out.count("class", r.class_accuracy.columns());
  out.write("accuracy", r.chip_accuracy);
  out.write("accuracy_all", r.accuracy);
  out.write("top5_accuracy_all", r.top5_accuracy);
  out.write("loss_all", r.loss);
  out.write("class_accuracy", values_of(r.class_accuracy));
  out.write("float_accuracy", r.float_network.accuracy);
  out.write("yield", r.yield());
  file.attribute("/chips/yield", "yield_accuracy", r.yield_accuracy);
  file.attribute("/chips", "images", static_cast<std::int64_t>(r.float_network.images));
}

void write_variance(h5::Writer& file, const RunResult& r) {
  const VarianceSplit split = r.variance();
  ScaledGroup out(file, "run", "/chips/variance");
  out.axis("estimate", std::vector<std::string>{"estimate", "low", "high"});
  const auto part = [&](const char* name, const VarianceComponent& c) {
    if (c.is_known)
      out.write(name, std::vector<double>{c.variance, c.interval.low, c.interval.high});
  };
  part("chip", split.group);
  part("programming", split.subgroup);
  part("read", split.member);
}

void write_retention(h5::Writer& file, const RunSetting& s, const RunResult& r) {
  ScaledGroup out(file, "run", "/retention");
  out.axis("time", s.experiment.time.retention);
  out.count("chip", static_cast<Index>(r.chip_accuracy.size()));
  out.write("accuracy", values_of(r.retention));
  const bool is_once = s.experiment.time.calibration == CalibrationTime::once;
  if (s.method.set.any(&Method::corrects))
    file.attribute("/retention/accuracy", "calibration",
                   std::string(is_once ? "once" : "each_time"));
}

void write_budget(h5::Writer& file, const RunResult& r) {
  ScaledGroup out(file, "run", "/error_budget");
  out.count("chip", static_cast<Index>(r.chip_accuracy.size()));
  for (const BudgetLine& line : r.budget) {
    out.write(line.key, line.accuracy);
    if (!line.gained) continue;
    file.attribute("/error_budget/" + line.key, "images_gained", *line.gained);
    file.attribute("/error_budget/" + line.key, "images_lost", *line.lost);
  }
  file.attribute("/error_budget", "images", static_cast<std::int64_t>(r.budget_images));
}

double fraction(std::int64_t part, std::int64_t whole) {
  return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

/// What the conversions of layer k counted.
Activity::Layer activity_of(const RunSetting& s, const RunResult& r, std::size_t k) {
  return s.plan().layers[k] && k < r.activity.layers.size() ? r.activity.layers[k]
                                                            : Activity::Layer();
}

void write_tiles(h5::Writer& file, const RunSetting& s, const RunResult& r) {
  const nn::Network& network = s.trained().network;
  for (std::size_t k = 0; k < s.plan().layers.size(); ++k) {
    std::vector<double> saturation;
    for (const Activity::Tile& tile : activity_of(s, r, k).tiles)
      saturation.push_back(fraction(tile.clipped, tile.conversions));
    if (saturation.empty()) continue;
    ScaledGroup out(file, "run", "/tiles/" + network.name(network.mac_layers()[k]));
    out.count("tile", static_cast<Index>(saturation.size()));
    out.write("saturation", saturation);
  }
}

/// How verifying loops ended, layer by layer; nothing where there is none.
void write_verification(ScaledGroup& out, const std::vector<sim::CellCounts>& cells) {
  std::size_t most = 0;
  for (const sim::CellCounts& layer : cells) most = std::max(most, layer.with_pulses.size());
  if (most == 0) return;
  std::vector<std::int64_t> within, gave_up, histogram;
  for (const sim::CellCounts& layer : cells) {
    within.push_back(layer.within_tolerance());
    gave_up.push_back(layer.gave_up);
    histogram.insert(histogram.end(), layer.with_pulses.begin(), layer.with_pulses.end());
    histogram.resize(histogram.size() + most - layer.with_pulses.size());
  }
  out.write("cells_within_tolerance", within);
  out.write("cells_gave_up", gave_up);
  out.count("pulse_number", static_cast<Index>(most));
  out.write("pulse_histogram", histogram);
}

void write_layers(h5::Writer& file, const RunSetting& s, const RunResult& r) {
  const nn::Network& network = s.trained().network;
  const auto& plans = s.plan().layers;
  std::vector<sim::CellCounts> counts = r.cells;
  counts.resize(plans.size());
  ScaledGroup out(file, "run", "/layers");
  std::vector<std::string> names;
  for (const Index layer : network.mac_layers()) names.push_back(network.name(layer));
  out.axis("name", names);
  /// One number per layer, from its plan (null: digital) and its place.
  const auto write = [&](const char* name, auto number_of) {
    std::vector<decltype(number_of(&*plans[0], std::size_t{0}))> all;
    for (std::size_t k = 0; k < plans.size(); ++k)
      all.push_back(number_of(plans[k] ? &*plans[k] : nullptr, k));
    out.write(name, all);
  };
  using Plan = const sim::LayerPlan*;
  const auto cells = [&](const char* name, auto count_of) {
    write(name, [&](Plan, std::size_t k) { return std::int64_t{count_of(counts[k])}; });
  };
  write("tiles", [](Plan plan, std::size_t) {
    return plan ? static_cast<std::int64_t>(plan->tiles()) : std::int64_t{0};
  });
  write("macs", [&](Plan, std::size_t k) {
    return std::int64_t{network.mac(static_cast<Index>(k)).count()};
  });
  cells("cells", [](const sim::CellCounts& c) { return c.cells; });
  cells("cells_above_g_max", [](const sim::CellCounts& c) { return c.above_g_max; });
  cells("cells_cut_at_zero", [](const sim::CellCounts& c) { return c.clipped_at_zero; });
  cells("cells_broken", [](const sim::CellCounts& c) { return c.broken; });
  cells("pulses", [](const sim::CellCounts& c) { return c.pulses(); });
  write_verification(out, counts);
  write("weights_cut",
        [](Plan plan, std::size_t) { return plan ? plan->clipped_weights : std::int64_t{0}; });
  write("dac_limit", [](Plan plan, std::size_t) { return plan ? double{plan->dac.limit} : 0.0; });
  write("adc_limit", [](Plan plan, std::size_t) {
    return plan && !plan->adc.front().is_ideal() ? double{plan->adc.front().high()} : 0.0;
  });
  write("dac_saturation", [&](Plan, std::size_t k) {
    const Activity::Layer layer = activity_of(s, r, k);
    return fraction(layer.dac_clipped, layer.dac_conversions);
  });
  write("adc_saturation", [&](Plan, std::size_t k) {
    std::int64_t conversions = 0, clipped = 0;
    for (const Activity::Tile& tile : activity_of(s, r, k).tiles) {
      conversions += tile.conversions;
      clipped += tile.clipped;
    }
    return fraction(clipped, conversions);
  });
  if (r.accumulated_db.empty()) return;
  out.count("chip", static_cast<Index>(r.chip_accuracy.size()));
  out.write("signal_to_error_accumulated", values_of(r.accumulated_db));
  out.write("signal_to_error_isolated", values_of(r.isolated_db));
}

}  // namespace

void write_run(const std::filesystem::path& path, const RunSetting& s, const RunResult& r,
               const ResultsIdentity& identity, const Provenance& provenance) {
  h5::Writer file(path);
  write_header(file, s.experiment, identity, provenance);
  write_training(file, "run", s.method.origin);
  write_chips(file, r);
  if (r.programmings * r.reads > 1) write_variance(file, r);
  if (!r.retention.empty()) write_retention(file, s, r);
  if (!r.budget.empty()) write_budget(file, r);
  write_tiles(file, s, r);
  write_layers(file, s, r);
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
    throw ConfigError(file.string() + " exists and is not a results file of Ohmic (" +
                      error.what() +
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
