#include "lab/experiment/experiment.h"

#include <algorithm>

#include "lab/experiment/former_names.h"
#include "lab/experiment/hardware_tables.h"
#include "nn/layer_catalogue.h"

namespace ohmic::lab {
namespace {

constexpr double kMostChips =
    1 << 19;  // half of the address field: the rest is for selection chips
constexpr double kMostImages = 1 << 20;  // the sample field of read noise's addresses
constexpr double kMostPoints = 1'000'000;
constexpr double kMostProgrammings = 1 << 8;
constexpr double kMostReads = 255;  // one more is for calibration

/// ConfigError where a chip would be read later than its device was ever measured.
void check_times(const TimeParams& time, const devices::DeviceModel& device,
                 const ConfigNode& table) {
  const auto check = [&](double seconds, const char* key) {
    if (seconds <= device.latest_seconds()) return;
    const ConfigNode parameters = device.parameters();
    fail_at(origin_of(table, key), "time." + std::string(key) + " = " + shortest(seconds) + ": " +
                                       std::get<std::string>(parameters.find("model")->value) +
                                       " was measured until " + shortest(device.latest_seconds()) +
                                       " s after programming");
  };
  check(time.at, "at_s");
  for (const double seconds : time.retention) check(seconds, "retention_s");
}

struct OverrideFields {
  std::string name;
  std::vector<std::string> layers;
  bool analog = true;
};
void fields(FieldVisitor& f, OverrideFields& p) {
  f.field({.key = "name",
           .meaning = "name for --set override.NAME.key=value",
           .affects_results = false},
          p.name);
  f.field({.key = "layers", .meaning = "layers that get this hardware"}, p.layers);
  f.field({.key = "analog", .meaning = "false: the layer stays digital"}, p.analog);
}

/// The keys of the hardware's tables, and `others`.
std::vector<std::string_view> with_hardware_tables(std::vector<std::string_view> others) {
  for (const HardwareTable& table : hardware_tables()) others.push_back(table.key);
  return others;
}

}  // namespace

void fields(FieldVisitor& f, RunParams& p) {
  f.field({.key = "seed",
           .meaning = "seed of chips and reads",
           .low = 0,
           .read_by = {"run", "mvm", "compare", "search", "sweep"}},
          p.seed);
  f.field({.key = "chips",
           .meaning = "chips that are drawn and measured",
           .low = 1,
           .high = kMostChips,
           .read_by = {"run", "mvm", "compare", "sweep"}},
          p.chips);
  f.field({.key = "programmings_per_chip",
           .meaning = "times each chip is programmed anew",
           .low = 1,
           .high = kMostProgrammings,
           .read_by = {"run", "sweep"}},
          p.programmings_per_chip);
  f.field({.key = "reads_per_programming",
           .meaning = "times the test set is read from each programming",
           .low = 1,
           .high = kMostReads,
           .read_by = {"run", "sweep"}},
          p.reads_per_programming);
  f.field({.key = "threads",
           .meaning = "threads; 0: all processors. Changes no result",
           .low = 0,
           .high = 1024,
           .affects_results = false},
          p.threads);
  f.field({.key = "method",
           .meaning = "how the network is trained and corrected: names joined by + (ohmic info "
                      "methods)",
           .read_by = {"run", "train", "sweep"}},
          p.method);
}

void fields(FieldVisitor& f, EvaluationParams& p) {
  f.field({.key = "images",
           .meaning = "test images for a chip's accuracy; 0: all",
           .low = 0,
           .high = kMostImages,
           .read_by = {"run", "compare", "sweep"}},
          p.images);
  f.field({.key = "budget_images",
           .meaning = "test images for the error budget, or all if there are fewer; 0: no budget",
           .low = 0,
           .high = kMostImages,
           .read_by = {"run", "sweep"}},
          p.budget_images);
  f.field({.key = "error_images",
           .meaning = "test images for the signal-to-error ratio of layers, or all if there are "
                      "fewer; 0: none",
           .low = 0,
           .high = 1e6,
           .read_by = {"run", "sweep"}},
          p.error_images);
  f.field({.key = "calibration_images",
           .meaning = "training images that set the converters' ranges, or all if there are fewer",
           .low = 1,
           .high = 1e6,
           .read_by = {"run", "compare", "search", "sweep"}},
          p.calibration_images);
  f.field(
      {.key = "yield_accuracy",
       .meaning = "accuracy above which a chip counts as good; none: 95 % of the float accuracy",
       .unit = "fraction",
       .low = 0,
       .high = 1,
       .read_by = {"run"}},
      p.yield_accuracy);
  f.field({.key = "batch",
           .meaning = "images evaluated at once by one thread. Changes no result",
           .low = 1,
           .high = 1e6,
           .affects_results = false},
          p.batch);
}

void fields(FieldVisitor& f, TimeParams& p) {
  f.field({.key = "at_s",
           .meaning = "time after programming at which chips are measured",
           .unit = "s",
           .low = 0,
           .high = 1e10},
          p.at);
  f.field({.key = "retention_s",
           .meaning = "times after programming of the retention curve (ohmic run); empty: none",
           .unit = "s",
           .low = 0,
           .high = 1e10,
           .read_by = {"run"}},
          p.retention);
  f.field({.key = "drift_compensation",
           .meaning = "digital scale of a layer's outputs (global), or of each (column), from what "
                      "calibration images gave at programming time over what they give now",
           .read_by = {"run", "compare", "search", "sweep"}},
          p.drift_compensation, {"none", "global", "column"});
  f.field({.key = "calibration",
           .meaning =
               "when corrections of the retention curve are found (ridge, affine, mean_correction, "
               "bn_reestimation): found once, at its first time, or at each time anew",
           .idle = p.retention.empty() ? "there is no retention_s" : "",
           .read_by = {"run"}},
          p.calibration, {"once", "each_time"});
}

double TimeParams::first_retention() const {
  return *std::min_element(retention.begin(), retention.end());
}

void fields(FieldVisitor& f, CompareParams& p) {
  f.field({.key = "methods", .meaning = "methods and combinations to compare"}, p.methods);
  f.field({.key = "training_seeds", .meaning = "seeds of the trainings", .low = 0},
          p.training_seeds);
  f.field({.key = "sigmas",
           .meaning = "device.sigma at which every method is measured; empty: the device's own",
           .unit = "natural log",
           .low = 0,
           .high = 3},
          p.sigmas);
  f.field({.key = "hardware",
           .meaning = "the config's hardware, or ideal converters without read noise",
           .one_of = {"config", "ideal"}},
          p.hardware);
  f.field({.key = "selection_chips",
           .meaning = "chips (never those that are reported) on which the best method is chosen; "
                      "0: no choice",
           .low = 0,
           .high = kMostChips},
          p.selection_chips);
  f.field({.key = "selection_images",
           .meaning = "validation images for that choice",
           .low = 1,
           .high = 1e7},
          p.selection_images);
}

void fields(FieldVisitor& f, SearchParams& p) {
  f.field({.key = "algorithm",
           .meaning = "how the placement is searched",
           .one_of = {"reinforce", "random", "greedy", "exhaustive"}},
          p.algorithm);
  f.field({.key = "evaluation",
           .meaning = "masks of one slimmable set of compensators, or one training per action",
           .one_of = {"shared", "individual"}},
          p.evaluation);
  f.field({.key = "layers", .meaning = "layers that may get a compensator; empty: by candidates"},
          p.layers);
  f.field({.key = "ratios",
           .meaning = "choices for each layer: generated maps over output maps",
           .low = 0,
           .high = 16},
          p.ratios);
  f.field({.key = "candidate_threshold",
           .meaning = "a layer is a candidate if variation from it on keeps less than this of the "
                      "clean accuracy",
           .unit = "fraction",
           .low = 0,
           .high = 1},
          p.candidate_threshold);
  f.field({.key = "epochs",
           .meaning = "of each individual training; of the shared one, that many per layer",
           .low = 1,
           .high = 1000},
          p.epochs);
  f.field(
      {.key = "train_images", .meaning = "training images for it; 0: all", .low = 0, .high = 1e7},
      p.train_images);
  f.field({.key = "kappa", .meaning = "penalty of an overhead as large as the limit", .low = 0},
          p.kappa);
  f.field({.key = "chips", .meaning = "selection chips per action", .low = 1, .high = kMostChips},
          p.chips);
  f.field({.key = "images", .meaning = "validation images per action", .low = 1, .high = 1e7},
          p.images);
  f.field({.key = "seed", .meaning = "seed of the search", .low = 0}, p.seed);
  f.field({.key = "compare_searches",
           .meaning = "also run random, greedy and (where small) exhaustive search"},
          p.exhaustive_too);
  fields(f, p.learner);
}

void fields(FieldVisitor& f, SweepSample& p) {
  f.field({.key = "kind",
           .meaning = "every combination of the axes, or points drawn between their bounds (each "
                      "value of a list or a range with a step as often as the others)"},
          p.kind, {"grid", "random", "latin_hypercube"});
  f.field({.key = "points", .meaning = "number of points drawn", .low = 1, .high = kMostPoints},
          p.points);
  f.field({.key = "seed", .meaning = "seed of the sample", .low = 0}, p.seed);
}

void fields(FieldVisitor& f, SweepUntil& p) {
  f.field(
      {.key = "accuracy_ci_points",
       .meaning = "measure chips (`chips` at most) until half of the 95 % interval of the mean "
                  "accuracy is at most this, for all chips so far and for the first four fifths "
                  "of them; none: all chips",
       .unit = "percentage points",
       .low = 0,
       .high = 100,
       .low_open = true},
      p.accuracy_ci_points);
  f.field({.key = "least_chips",
           .meaning = "chips before the first look at the interval",
           .low = 2,
           .high = kMostChips,
           .idle = p.accuracy_ci_points ? "" : "there is no accuracy_ci_points"},
          p.least_chips);
}

void fields(FieldVisitor& f, SweepParams& p) {
  f.field({.key = "independent_points",
           .meaning = "draw different chips at every point instead of the same"},
          p.independent_points);
  f.field({.key = "measure",
           .meaning = "what is measured at every point, besides accuracy",
           .one_of = {"accuracy", "error_budget", "layers"}},
          p.measure);
}

bool SweepParams::measures(std::string_view what) const {
  return std::find(measure.begin(), measure.end(), what) != measure.end();
}

double smallest_ratio(const SearchParams& p) {
  double smallest = 0;
  for (const double ratio : p.ratios)
    if (ratio > 0 && (smallest == 0 || ratio < smallest)) smallest = ratio;
  return smallest;
}

Experiment read_experiment(const std::filesystem::path& file,
                           const std::vector<std::string>& settings, const RunParams& defaults) {
  const ConfigNode root = with_settings(read_config(file), settings);
  Experiment experiment =
      make_experiment(root, defaults, std::filesystem::absolute(file).parent_path());
  experiment.origin.place = file.string();
  experiment.name = file.stem().string();
  return experiment;
}

Experiment make_experiment(const ConfigNode& given, const RunParams& defaults,
                           const std::filesystem::path& folder) {
  const ConfigNode root = with_todays_names(given);
  Experiment e;
  e.folder = folder;
  e.run = defaults;
  e.root = root;
  read_fields(root, "", e.run,
              with_hardware_tables({"data", "network", "training", "evaluation", "time", "override",
                                    "methods", "compare", "search", "sweep"}));
  read_fields(table_at(root, "evaluation"), "evaluation", e.evaluation);
  read_fields(table_at(root, "time"), "time", e.time);
  e.methods = MethodTables(table_at(root, "methods"));
  e.methods.parse(e.run.method);
  read_fields(table_at(root, "compare"), "compare", e.compare, {"axes"});
  if (const ConfigNode* axes = table_at(root, "compare").find("axes")) {
    e.compare.axes = read_axes(*axes, "compare.axes");
    e.compare.axes_as_written = *axes;
    for (const Axis& axis : e.compare.axes)
      for (const AxisKey& key : axis.keys)
        if (key.key == "device.sigma" && !e.compare.sigmas.empty())
          fail_at(axes->origin,
                  "compare.axes has device.sigma, and compare.sigmas is the short form "
                  "of the same axis; leave one out");
  }
  for (const std::string& method : e.compare.methods) e.methods.parse(method);
  read_fields(table_at(root, "search"), "search", e.search);
  const ConfigNode& sweep = table_at(root, "sweep");
  read_fields(sweep, "sweep", e.sweep, {"axes", "sample", "until"});
  read_fields(table_at(sweep, "sample"), "sweep.sample", e.sweep.sample);
  read_fields(table_at(sweep, "until"), "sweep.until", e.sweep.until);
  for (const char* key : {"axes", "sample", "until"})
    if (const ConfigNode* written = sweep.find(key)) e.sweep.as_written.put(key, *written);
  if (const ConfigNode* axes = sweep.find("axes"))
    e.sweep.axes = read_axes(*axes, "sweep.axes", e.sweep.sample.kind != SweepSample::Kind::grid);
  read_fields(table_at(root, "data"), "data", e.data);
  e.network = nn::read_network(table_at(root, "network"), "network");
  read_fields(table_at(root, "training"), "training", e.training);
  e.hardware_tables = hardware_part(root);
  e.hardware = read_hardware(e.hardware_tables, folder);
  check_times(e.time, *e.hardware.device, table_at(root, "time"));
  if (const ConfigNode* list = root.find("override")) {
    if (!list->is_array())
      fail_at(list->origin,
              "override is " + std::string(list->kind()) + ", expected [[override]] tables");
    for (const ConfigNode& table : list->array()) {
      OverrideFields own;
      read_fields(table, "override", own, with_hardware_tables({}));
      if (own.layers.empty())
        fail_at(table.origin, "override names no layers; say layers = [\"conv1\"]");
      ConfigNode tables = overridden(e.hardware_tables, table);
      sim::LayerHardware hardware = read_hardware(tables, e.folder);
      check_times(e.time, *hardware.device, table_at(root, "time"));
      e.overrides.push_back({own.name, own.layers,
                             table.find("analog") ? std::optional(own.analog) : std::nullopt, table,
                             std::move(hardware), std::move(tables)});
    }
  }
  return e;
}

void require_network(const Experiment& e) {
  if (e.data.set.empty())
    throw ConfigError(
        e.origin.place +
        ": data.set is missing; say [data] set = \"fashion-mnist\", \"mnist\", \"cifar10\", "
        "\"cifar100\", a folder or an HDF5 file");
  if (!e.network.file.empty() && !e.network.weights.empty())
    throw ConfigError(e.origin.place +
                      ": network.file and network.weights are both given; leave one out");
  if (e.network.model.empty() && e.network.layers.empty() && e.network.file.empty())
    throw ConfigError(
        e.origin.place +
        ": network.model is missing; say [network] model = \"lenet5\" or another that `ohmic info "
        "network.model` lists, list "
        "[[network.layers]], or name a checkpoint with file = \"net.h5\"");
}

void fail_key(const Experiment& e, const std::string& key, const std::string& message) {
  const ConfigNode* node = find_at(e.root, key);
  fail_at(node && !node->origin.place.empty() ? node->origin : e.origin, message, key);
}

std::vector<std::optional<sim::LayerHardware>> layer_hardware(const Experiment& e,
                                                              const nn::Network& network) {
  std::vector<std::string> names;
  for (const Index layer : network.mac_layers()) names.push_back(network.name(layer));
  for (const Override& over : e.overrides)
    for (const std::string& layer : over.layers)
      if (std::find(names.begin(), names.end(), layer) == names.end()) {
        std::string known;
        for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
        fail_at(origin_of(over.table, "layers"), "override.layers: no layer '" + layer +
                                                     "' of cells in this network; it has " + known);
      }
  std::vector<std::optional<sim::LayerHardware>> out;
  for (const std::string& name : names) {
    ConfigNode tables = e.hardware_tables;
    bool analog = true;
    for (const Override& over : e.overrides)
      if (std::find(over.layers.begin(), over.layers.end(), name) != over.layers.end()) {
        tables = overridden(std::move(tables), over.table);
        analog = over.analog.value_or(analog);
      }
    out.push_back(analog ? std::optional(read_hardware(tables, e.folder)) : std::nullopt);
  }
  return out;
}

namespace {

/// The keys of layers, each once, with the types that have it.
void add_layer_keys(std::vector<KeyManual>& all) {
  const auto first = static_cast<std::ptrdiff_t>(all.size());
  for (const FieldManual& field : describe_fields(nn::LayerSpec{}))
    all.push_back({"network.layers." + field.key, "", field});
  for (const nn::LayerKind& kind : nn::layer_catalogue()) {
    const std::string type(kind.name);
    nn::LayerSpec spec;
    spec.type = type;
    for (const FieldManual& field : describe_fields(spec)) {
      const std::string key = "network.layers." + field.key;
      const auto known = std::find_if(all.begin() + first, all.end(),
                                      [&](const KeyManual& k) { return k.key == key; });
      if (known == all.end())
        all.push_back({key, "layer " + type, field});
      else if (!known->of.empty()) {
        known->of += ", " + type;
        if (known->field.meaning.find(field.meaning) == std::string::npos)
          known->field.meaning += "; " + type + ": " + field.meaning;
      }
    }
  }
}

}  // namespace

std::vector<KeyManual> key_manual() {
  std::vector<KeyManual> all;
  const auto add = [&](const std::string& table, const std::string& of,
                       const std::vector<FieldManual>& keys) {
    for (const FieldManual& field : keys)
      all.push_back({table.empty() ? field.key : table + "." + field.key, of, field});
  };
  add("", "", describe_fields(RunParams{}));
  add("data", "", describe_fields(nn::DataParams{}));
  add("network", "", describe_fields(nn::NetworkParams{}));
  add_layer_keys(all);
  add("training", "", describe_fields(nn::TrainingParams{}));
  add("evaluation", "", describe_fields(EvaluationParams{}));
  add("time", "", describe_fields(TimeParams{}));
  for (const MethodKind& kind : method_kinds())
    add("methods." + std::string(kind.name), "", kind.keys);
  add("compare", "", describe_fields(CompareParams{}));
  add("search", "", describe_fields(SearchParams{}));
  const FieldManual axes{
      "axes",
      "what varies, a list of { key, values = [...] }, { key, from, to, step }, "
      "{ key, from, to, count, scale = \"linear\" | \"log\" }, { key, names = "
      "[...], values = [{...}, ...] } (tables replace the table at the key), { zip = "
      "[axis, axis] }; in samples { key, from, to, scale } too",
      "", "[]", ""};
  add("compare", "", {axes});
  add("sweep", "", {axes});
  add("sweep", "", describe_fields(SweepParams{}));
  add("sweep.sample", "", describe_fields(SweepSample{}));
  add("sweep.until", "", describe_fields(SweepUntil{}));
  for (const HardwareTable& table : hardware_tables())
    for (const auto& [of, keys] : table.keys()) add(std::string(table.key), of, keys);
  add("override", "", describe_fields(OverrideFields{}));
  return all;
}

}  // namespace ohmic::lab
