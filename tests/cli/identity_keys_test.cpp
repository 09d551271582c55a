#include <doctest/doctest.h>

#include <iostream>
#include <map>
#include <set>

#include "base/kernels.h"
#include "cli/session.h"
#include "io/digest.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/identity.h"
#include "lab/study/read_data.h"
#include "lab/sweep/sweep_points.h"
#include "other_values.h"
#include "workbench.h"

/// Every key that `ohmic info` knows, changed alone, changes exactly the digests of the questions
/// that it is part of.
namespace ohmic {
namespace {

using testing::candidates;
using testing::Workbench;

/// Digests by letter: r run, t train, s a sweep's point, k a comparison's point, f search, m mvm,
/// b base training and c compensators under log-normal variation, T train, B and C the same three
/// for the config's device.
using Digests = std::map<char, std::string>;

/// A config in which as many keys act as may stand together.
const std::string kKeys = R"(
method = "penalty+injection+sam+distillation+compensation+mean_correction+bn_reestimation+ridge+write_verify+copies"
[data]
set = "set"
[network]
model = "lenet5"
[methods.compensation]
layers = ["conv1"]
ratios = [1.0]
overhead_limit = 5.0
overhead_limit_macs = 500.0
[device]
model = "lognormal"
sigma = 0.3
read_noise = 0.02
read_noise_of = "g_max"
sigma_device = 0.1
sigma_correlated = 0.1
[faults]
stuck_at_g_min = 0.01
[array]
rows = 40
columns = 16
[time]
retention_s = [1.0, 10.0]
[compare]
selection_chips = 2
[sweep]
axes = [ { key = "evaluation.batch", values = [64] } ]
measure = ["accuracy", "error_budget", "layers"]
until = { accuracy_ci_points = 3.0 }
)";

Digests digests_of(const Workbench& bench, std::vector<std::string> settings) {
  Digests out;
  for (const std::string variation : {"lognormal", "device"}) {
    const bool for_device = variation == "device";
    settings.push_back("methods.injection.variation=" + variation);
    settings.push_back("methods.compensation.variation=" + variation);
    lab::Experiment e = lab::read_experiment(bench.path("keys.toml"), settings);
    const nn::Data data = lab::read_data(e);
    const nn::Network network = lab::described_network(e, data.shape(), data.classes());
    const lab::MethodSet set = e.methods.parse(e.run.method);
    lab::InputFiles files;
    const auto results = [&](const char* command) {
      return lab::identity_of(e, command, data.digest, files).digest;
    };
    out[for_device ? 'T' : 't'] = results("train");
    out[for_device ? 'B' : 'b'] = lab::base_training_digest(e, network, set, data.training_digest);
    const Console quiet{std::cout, std::cerr, true};
    const lab::TrainingSetting setting{
        .experiment = e, .data = data, .folder = {}, .console = quiet};
    const lab::Method* compensation = set.find("compensation");
    const nn::TrainedNetwork base{network, {}};
    // Without compensators: what their digest says of the network.
    lab::FurtherTraining further{.label = "none",
                                 .network = network,
                                 .params = {},
                                 .training = {},
                                 .fresh = {},
                                 .words = {},
                                 .variation = {},
                                 .draws_cells = for_device};
    if (compensation) further = compensation->further(base, lab::training_aid(setting));
    out[for_device ? 'C' : 'c'] =
        lab::further_training_digest(e, further, "base", data.training_digest);
    if (for_device) continue;
    out['r'] = results("run");
    out['f'] = results("search");
    out['m'] = lab::identity_of(e, "mvm", "matrices", files).digest;
    lab::Experiment alone = e;
    alone.compare.methods = {e.run.method};
    out['k'] = lab::compared_point_digest(alone, e, data.digest, "config", files);
    const lab::PointValues grid = lab::sweep_grid(e);
    out['s'] = lab::sweep_point_digest(lab::point_experiment(e, grid, 0), data.digest, files);
  }
  return out;
}

/// What a key needs beside it to act, and to what it is changed where that cannot be guessed.
struct Context {
  std::vector<std::string> settings = {};
  std::string other = {};
};

/// "a.b" matches itself, "a.*" all keys of a table.
template <class T>
const T* entry_of(const std::map<std::string, T>& list, const std::string& key) {
  if (const auto found = list.find(key); found != list.end()) return &found->second;
  const auto wild = list.find(key.substr(0, key.rfind('.')) + ".*");
  return wild == list.end() ? nullptr : &wild->second;
}

const std::vector<std::string> kVerifies = {
    "device={model = \"gaussian\", sigma = 0.1, programming = \"write_verify\"}"};
const std::vector<std::string> kDrifts = {"device={model = \"pcm_like\"}"};

std::vector<std::string> with(std::vector<std::string> settings, const std::string& more) {
  settings.push_back(more);
  return settings;
}

const std::map<std::string, Context> kContexts = {
    {"method", {{}, "plain"}},
    {"network.model",
     {{"methods.compensation.layers=[]", "methods.compensation.ratios=[]", "method=plain"}, "mlp"}},
    {"network.width", {{"network.model=vgg8"}, "0.5"}},
    {"network.hidden",
     {{"network.model=mlp", "methods.compensation.layers=[\"fc1\"]"}, "[20, 10]"}},
    {"training.step_epochs", {{"training.schedule=step"}, ""}},
    {"training.step_factor", {{"training.schedule=step"}, ""}},
    {"training.momentum", {{"training.optimiser=sgd"}, ""}},
    {"training.nesterov", {{"training.optimiser=sgd"}, ""}},
    {"training.one_cycle_rise", {{"training.schedule=one_cycle"}, ""}},
    {"training.one_cycle_fall", {{"training.schedule=one_cycle"}, ""}},
    {"training.weight_decay_on", {{"training.weight_decay=0.1"}, ""}},
    {"training.average_decay", {{"training.average_weights=ema"}, "0.9"}},
    {"training.average_from", {{"training.average_weights=swa"}, "0.5"}},
    {"training.batch_norm_fixed_after_epochs", {{"training.batch_norm_statistics=fixed"}, "5"}},
    {"evaluation.images", {{}, "50"}},
    {"time.at_s", {kDrifts, "100"}},
    {"time.retention_s", {kDrifts, "[2.0]"}},
    {"time.drift_compensation", {kDrifts, "global"}},
    {"methods.penalty.lambda", {{}, "0.7"}},
    {"methods.injection.variation", {{}, "skip"}},  // the letters differ in it
    {"methods.compensation.variation", {{}, "skip"}},
    {"methods.compensation.layers", {{}, "[\"conv2\"]"}},
    {"methods.compensation.ratios", {{}, "[0.5]"}},
    {"methods.compensation.placement", {{}, "skip"}},  // files have a test of their own
    {"methods.compensation.bits", {{"methods.compensation.storage=quantised"}, ""}},
    {"methods.affine.*", {{"method=affine"}, ""}},
    {"methods.affine.reads_input", {{}, "skip"}},  // shared with ridge, acts on it alone
    {"methods.bn_reestimation.strength", {{}, "skip"}},
    {"methods.bn_reestimation.reads_input", {{}, "skip"}},
    {"compare.methods", {{}, "skip"}},  // lists of points
    {"compare.training_seeds", {{}, "skip"}},
    {"compare.sigmas", {{}, "skip"}},
    {"compare.hardware", {{}, "skip"}},
    {"compare.axes", {{}, "skip"}},
    {"sweep.axes", {{}, "skip"}},
    {"sweep.measure", {{}, "[\"accuracy\"]"}},
    {"sweep.sample.kind", {{}, "skip"}},
    {"search.layers", {{}, "[\"conv2\"]"}},
    {"search.ratios", {{}, "[0.5, 1.0]"}},
    {"search.hidden", {{"search.policy=mlp"}, ""}},
    {"data.set", {{}, "other"}},
    {"data.path", {{}, "somewhere"}},
    {"network.file", {{}, "skip"}},
    {"network.weights", {{}, "skip"}},
    {"device.model", {{}, "{model = \"gaussian\"}"}},
    {"device.read_noise_of", {{}, "g"}},
    {"device.file", {{}, "skip"}},
    {"device.file_unit", {{}, "skip"}},
    {"device.read_voltage_v", {{}, "skip"}},
    {"device.negative", {{}, "skip"}},
    {"device.verify_file", {{}, "skip"}},
    {"device.verify_pulse", {kVerifies, "step"}},
    {"device.verify_model",
     {with(with(kVerifies, "device.verify_pulse=response"), "device.verify_model=EcRam"),
      "ReRamES"}},
    {"device.verify_tolerance_uS", {kVerifies, ""}},
    {"device.verify_pulse_limit", {kVerifies, ""}},
    {"device.verify_step_uS", {with(kVerifies, "device.verify_pulse=step"), ""}},
    {"device.verify_step_sigma_uS", {with(kVerifies, "device.verify_pulse=step"), ""}},
    {"device.telegraph_amplitude", {{"device.telegraph_share=0.1"}, ""}},
    {"device.telegraph_trapped", {{"device.telegraph_share=0.1"}, ""}},
    {"device.telegraph_correlation_reads", {{"device.telegraph_share=0.1"}, ""}},
    {"faults.stuck_at_given", {{"faults.stuck_uS=50"}, "0.1"}},
    {"faults.stuck_uS", {{"faults.stuck_uS=50", "faults.stuck_at_given=0.1"}, ""}},
    {"faults.map", {{}, "skip"}},
    {"array.rows", {{"array.scale=tile"}, ""}},
    {"array.columns", {{"array.scale=tile"}, ""}},
    {"array.row_partition", {{"array.scale=tile"}, "full"}},
    {"dac.percentile", {{"dac.range=percentile"}, ""}},
    {"dac.limit", {{"dac.range=fixed", "dac.limit=1.0"}, ""}},
    {"dac.range", {{}, "percentile"}},
    {"adc.range", {{}, "full_scale"}},
    {"adc.low_uA", {{"adc.range=fixed", "adc.low_uA=-10", "adc.high_uA=10"}, ""}},
    {"adc.high_uA", {{"adc.range=fixed", "adc.low_uA=-10", "adc.high_uA=10"}, ""}},
    {"adc.lookup_table", {{}, "skip"}},
    {"override.name", {{}, "other"}},
    {"override.layers", {{}, "[\"conv2\"]"}},
    {"override.analog", {{}, "false"}},
};

/// Which digests a key changes; "" none. A key that is not here has no answer yet: say it.
const std::map<std::string, std::string> kChanges = {
    {"seed", "rskfm"},
    {"chips", "rskm"},
    {"programmings_per_chip", "rs"},
    {"reads_per_programming", "rs"},
    {"threads", ""},
    {"method", "rtTskbBcC"},
    {"data.*", "rtTskfbBcC"},
    {"data.path", ""},
    {"data.test_images", "rtTskf"},
    {"network.*", "rtTskfbBcC"},
    {"network.fold_batch_norm", ""},
    {"training.*", "rtTskfbB"},
    {"training.seed", "rtTskfbBcC"},
    {"training.checkpoint_every_epochs", ""},
    {"training.checkpoint_every_minutes", ""},
    {"evaluation.images", "rsk"},
    {"evaluation.budget_images", "rs"},
    {"evaluation.error_images", "rs"},
    {"evaluation.calibration_images", "rskf"},
    {"evaluation.yield_accuracy", "r"},
    {"evaluation.batch", ""},
    {"time.at_s", "rTskfmBC"},
    {"time.retention_s", "r"},
    {"time.calibration", "r"},
    {"time.drift_compensation", "rskf"},
    {"methods.penalty.*", "rtTskfbB"},
    {"methods.injection.sigma", "rtskb"},
    {"methods.injection.sigma_low", "rtskb"},
    {"methods.compensation.*", "rtTskfcC"},
    {"methods.compensation.sigma", "rtskfc"},
    {"methods.compensation.storage", "rskf"},
    {"methods.compensation.bits", "rskf"},
    {"methods.compensation.overhead_limit", "f"},
    {"methods.compensation.overhead_limit_macs", "f"},
    {"methods.sam.*", "rtTskbB"},
    {"methods.distillation.*", "rtTskbB"},
    {"methods.affine.*", "rsk"},
    {"methods.ridge.*", "rsk"},
    {"methods.bn_reestimation.*", "rsk"},
    {"methods.write_verify.*", "rsk"},
    {"methods.copies.*", "rsk"},
    {"compare.selection_chips", "k"},
    {"compare.selection_images", "k"},
    {"search.*", "f"},
    {"sweep.independent_points", "s"},  // another seed
    {"sweep.measure", "s"},
    {"sweep.sample.*", ""},
    {"sweep.until.*", "s"},
    {"device.*", "rTskfmBC"},
    {"device.read_noise", "rskfm"},
    {"device.read_noise_of", "rskfm"},
    {"device.telegraph_share", "rskfm"},
    {"device.telegraph_amplitude", "rskfm"},
    {"device.telegraph_trapped", "rskfm"},
    {"device.telegraph_correlation_reads", "rskfm"},
    {"faults.*", "rTskfmBC"},
    {"array.*", "rTskfmBC"},
    {"array.subtraction", "rskfm"},
    {"array.read_voltage_v", "rskfm"},
    {"array.bias", "rskf"},
    {"dac.*", "rskfm"},
    {"adc.*", "rskfm"},
    {"override.name", ""},
    {"override.layers", "rTskfBC"},
    {"override.analog", "rTskfBC"},
    {"override.*", "rTskfBC"},
};

}  // namespace

TEST_CASE("a key that is changed alone changes exactly the digests of its questions") {
  const Workbench bench("keys");
  // LeNet-5 needs larger images; another set of the same shape.
  bench.write_set("set", testing::TinyImages(320, 1, 28), testing::TinyImages(100, 2, 28));
  bench.write_set("other", testing::TinyImages(320, 3, 28), testing::TinyImages(100, 4, 28));
  bench.write_set("somewhere/set", testing::TinyImages(320, 1, 28),
                  testing::TinyImages(100, 2, 28));
  bench.write("keys.toml", kKeys);
  std::map<std::string, Digests> bases;  // by context
  std::set<std::string> done, unused;
  for (const auto& [key, changes] : kChanges) unused.insert(key);
  for (const lab::KeyManual& manual : lab::key_manual()) {
    const std::string& key = manual.key;
    if (key.starts_with("network.layers.") || !done.insert(key + manual.of).second) continue;
    CAPTURE(key);
    CAPTURE(manual.of);
    const std::string* changes = entry_of(kChanges, key);
    const Context* context = entry_of(kContexts, key);
    if (context && context->other == "skip") continue;
    if (!changes) {
      FAIL_CHECK("no answer which digests this key changes");
      continue;
    }
    unused.erase(key);
    unused.erase(key.substr(0, key.rfind('.')) + ".*");
    Context own = context ? *context : Context{};
    if (manual.of.starts_with("device ")) {
      const std::string model = manual.of.substr(7);
      if (model == "measured" || model == "real_chip") continue;
      const bool is_noisy = key.starts_with("device.read_noise");
      own.settings.insert(own.settings.begin(),
                          "device={model = \"" + model + "\"" +
                              (is_noisy ? ", read_noise = 0.02, read_noise_of = \"g_max\"" : "") +
                              "}");
    }
    if (key.starts_with("override.")) {
      own.settings.push_back(
          "override=[{name = \"first\", layers = [\"conv1\"], adc.bits = 6, array.scale = "
          "\"column\"}]");
    }
    std::string label;
    for (const std::string& setting : own.settings) label += setting + "\n";
    const std::string place = key.starts_with("override.") ? "override.0." + key.substr(9)
                              : key == "device.model"      ? "device"
                                                           : key;
    std::optional<Digests> other;
    std::string value;
    if (!bases.contains(label)) bases[label] = digests_of(bench, own.settings);
    const std::string before =
        lab::resolved_config(lab::read_experiment(bench.path("keys.toml"), own.settings), "run");
    for (const std::string& candidate :
         own.other.empty() ? candidates(manual.field) : std::vector{own.other}) {
      try {
        other = digests_of(bench, with(own.settings, place + "=" + candidate));
        value = candidate;
        if (*other != bases[label]) break;
      } catch (const ConfigError&) {
        // out of this key's range
      }
    }
    CAPTURE(value);
    if (!other) {
      FAIL_CHECK("no other value was found for this key");
      continue;
    }
    std::string changed;
    for (const char letter : std::string("rtTskfmbBcC"))
      if (other->at(letter) != bases[label].at(letter)) changed += letter;
    std::set<char> found(changed.begin(), changed.end()), wanted(changes->begin(), changes->end());
    CHECK_MESSAGE(found == wanted,
                  key << " = " << value << " changed " << changed << ", not " << *changes);
  }
  for (const std::string& key : unused) FAIL_CHECK(key << " is no longer a key");
}

TEST_CASE("every key of a layer is part of all questions about its network") {
  const Workbench bench("layer-keys");
  bench.write("keys.toml", R"(
method = "plain"
[data]
set = "set"
[sweep]
axes = [ { key = "evaluation.batch", values = [64] } ]
[network]
layers = [
  { type = "conv", name = "first", filters = 3, kernel = 3, padding = 1 },
  { type = "conv", name = "a", filters = 4, kernel = 3, padding = 1 },
  { type = "batch_norm" },
  { type = "relu", name = "r" },
  { type = "dropout", rate = 0.2 },
  { type = "conv", name = "b", filters = 4, kernel = 3, padding = 1 },
  { type = "compensator", name = "c", inputs = ["b", "r"], filters = 2 },
  { type = "add", name = "sum", inputs = ["c", "r"] },
  { type = "max_pool", kernel = 2 },
  { type = "average_pool", kernel = 2 },
  { type = "flatten" },
  { type = "linear", name = "hidden", outputs = 5 },
  { type = "relu" },
  { type = "linear", name = "fc", outputs = 3 },
])");
  const std::map<std::string, int> places{{"conv", 0},         {"batch_norm", 2}, {"dropout", 4},
                                          {"compensator", 6},  {"add", 7},        {"max_pool", 8},
                                          {"average_pool", 9}, {"linear", 11}};
  // Where the value has to fit its neighbours.
  const std::map<std::string, std::string> others{
      {"type", "network.layers.12.type=flatten"},
      {"name", "network.layers.13.name=last"},
      {"input", "network.layers.5.input=a"},
      {"inputs", "network.layers.7.inputs=[\"b\", \"r\"]"},
      {"generator", "network.layers.6.generator=identity"},
      {"residual", "network.layers.6.residual=true"}};
  const Digests base = digests_of(bench, {});
  int walked = 0;
  for (const lab::KeyManual& manual : lab::key_manual()) {
    const std::string prefix = "network.layers.";
    if (!manual.key.starts_with(prefix)) continue;
    const std::string key = manual.key.substr(prefix.size());
    CAPTURE(key);
    std::vector<std::string> settings;
    if (const auto own = others.find(key); own != others.end()) {
      settings = {own->second};
    } else {
      const std::string type = manual.of.substr(6, manual.of.find(',') - 6);
      REQUIRE(places.contains(type));
      for (const std::string& value : candidates(manual.field))
        settings.push_back(manual.key.substr(0, prefix.size()) + std::to_string(places.at(type)) +
                           "." + key + "=" + value);
    }
    bool is_found = false;
    for (const std::string& setting : settings) try {
        const Digests other = digests_of(bench, {setting});
        if (other == base) continue;
        is_found = true;
        for (const char letter : std::string("rtTskfbBcC"))
          CHECK_MESSAGE(other.at(letter) != base.at(letter), setting << " left " << letter);
        CHECK(other.at('m') == base.at('m'));
        break;
      } catch (const std::exception&) {
        // does not fit its neighbours
      }
    CHECK(is_found);
    ++walked;
  }
  CHECK(walked >= 15);
}

TEST_CASE("input files count by their contents: one byte, in any table, and not by their names") {
  const Workbench bench("file-keys");
  bench.write("base.toml",
              std::string(testing::kTinyConfig) +
                  "[sweep]\naxes = [ { key = \"evaluation.batch\", values = [64] } ]\n");
  REQUIRE(bench.ohmic({"run", "~/base.toml", "-o", "~/chip", "--dump-chip", "0"}).status ==
          lab::kDone);
  REQUIRE(bench.ohmic({"train", "~/base.toml", "-o", "~/trained"}).status == lab::kDone);
  bench.write("m.csv", "target_uS,mean_uS,std_uS\n0,1,0.5\n40,38,2\n");
  std::string jumps = "level_uS,direction,step_uS\n";
  for (int i = 0; i < 5; ++i) jumps += "1,set,0.5\n1,reset,-0.5\n";
  bench.write("j.csv", jumps);
  std::string codes;
  for (int code = -7; code <= 7; ++code)
    codes += std::to_string(code) + "," + std::to_string(code) + ",0.1\n";
  bench.write("o.csv", codes);
  {
    h5::Writer out(bench.path("f.h5"));
    for (const auto& [layer, shape] : {std::pair{"/conv1", std::vector<Index>{2, 4, 9}},
                                       {"/fc1", std::vector<Index>{2, 3, 64}}}) {
      std::vector<std::int64_t> none(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]));
      out.write(layer, shape, none.data());
    }
    out.commit();
  }
  {
    h5::Writer out(bench.path("placed.h5"));
    out.write("/placement/layer", std::vector<std::string>{"conv1"});
    out.write("/placement/ratio", std::vector<double>{1.0});
    out.commit();
  }
  {
    h5::Writer out(bench.path("w.h5"));
    const std::vector<float> ones(3 * 64, 1.0f);
    out.write("/conv1.weight", {4, 1, 3, 3}, ones.data());
    out.write("/conv1.bias", {4}, ones.data());
    out.write("/fc1.weight", {3, 64}, ones.data());
    out.write("/fc1.bias", {3}, ones.data());
    out.commit();
  }
  struct Case {
    std::string key, file, table;  ///< `table` in front of file and what follows
    std::string changes;           ///< digests that its contents change
  };
  const std::string ideal = "[device]\nmodel = \"ideal\"\n";
  const std::vector<Case> cases{
      {"device.file", "m.csv", "[device]\nmodel = \"measured\"\ng_min_uS = 0\nfile = ", "rTskfmBC"},
      {"device.file", "chip/chip_0.h5", "[device]\nmodel = \"real_chip\"\nfile = ", "rTskfmBC"},
      {"device.verify_file", "j.csv",
       ideal + "programming = \"write_verify\"\nverify_pulse = \"jump_table\"\nverify_file = ",
       "rTskfmBC"},
      {"adc.lookup_table", "o.csv", ideal + "[adc]\nbits = 4\nlookup_table = ", "rskfm"},
      {"adc.lookup_table", "o.csv",
       ideal + "[[override]]\nlayers = [\"fc1\"]\nadc.bits = 4\nadc.lookup_table = ", "rskf"},
      {"device.file", "m.csv",
       ideal +
           "[[override]]\nlayers = [\"fc1\"]\ndevice.model = \"measured\"\ndevice.g_min_uS = 0\n"
           "device.file = ",
       "rTskfBC"},
      {"faults.map", "f.h5", ideal + "[faults]\nmap = ", "rTskfmBC"},
      {"methods.compensation.placement", "placed.h5",
       ideal + "[methods.compensation]\noverhead_limit = 5.0\noverhead_limit_macs = "
               "500.0\nplacement = ",
       "rtTskf"},  // trainings depend on the layers and ratios that it holds
      {"network.file", "trained/network.h5", "network.file", "rtTskf"},
      {"network.weights", "w.h5", ideal + "[network]\nweights = ", "rtTskf"},
  };
  std::set<std::string> told;
  for (const auto& [key, file, table, changes] : cases) {
    CAPTURE(key);
    CAPTURE(table);
    told.insert(key);
    std::string config = testing::kTinyConfig;
    config.erase(config.find("[device]"));
    config += "[sweep]\naxes = [ { key = \"evaluation.batch\", values = [64] } ]\n";
    const auto write = [&](const std::string& name) {
      bench.write("keys.toml",
                  key == "network.file"
                      ? std::string("method = \"injection+compensation\"\n[data]\nset = \"set\"\n"
                                    "[network]\nfile = \"") +
                            name +
                            "\"\n[methods.compensation]\nlayers = [\"conv1\"]\nratios = [1.0]\n"
                            "overhead_limit = 5.0\noverhead_limit_macs = 500.0\n" +
                            ideal +
                            "[sweep]\naxes = [ { key = \"evaluation.batch\", values = [64] } ]\n"
                      : "method = \"injection+compensation\"\n" + config +
                            (key == "methods.compensation.placement"
                                 ? ""
                                 : "[methods.compensation]\nlayers = [\"conv1\"]\nratios = "
                                   "[1.0]\noverhead_limit = 5.0\noverhead_limit_macs = 500.0\n") +
                            table + '"' + name + "\"\n");
    };
    const std::string contents = read_whole_file(bench.path(file));
    write(file);
    const Digests before = digests_of(bench, {});
    const std::string folder = std::filesystem::path(file).parent_path().string();
    const std::string renamed = (folder.empty() ? "" : folder + "/") + "renamed" +
                                std::filesystem::path(file).extension().string();
    bench.write(renamed, contents);
    write(renamed);
    CHECK(digests_of(bench, {}) == before);
    // A byte that keeps the file readable: a digit of the last row, or padding behind HDF5's data.
    std::string other = contents;
    if (const std::size_t digit = other.find_last_of("0123456789"); file.ends_with(".csv"))
      other[digit] = other[digit] == '1' ? '2' : '1';
    else
      other += '\0';
    bench.write(renamed, other);
    const Digests after = digests_of(bench, {});
    std::set<char> found;
    for (const auto& [letter, digest] : after)
      if (digest != before.at(letter)) found.insert(letter);
    CHECK(found == std::set<char>(changes.begin(), changes.end()));
  }
  for (const lab::KeyManual& manual : lab::key_manual())
    if (manual.field.is_file && manual.key != "data.set" && manual.key != "data.path")
      CHECK_MESSAGE(told.contains(manual.key), manual.key << " has no case here");
}

TEST_CASE(
    "keys that came later are in no digest of a training that leaves them at their defaults") {
  const Workbench bench("later");
  const auto digest_of = [&](const std::vector<std::string>& settings) {
    const lab::Experiment e = lab::read_experiment(bench.path("tiny.toml"), settings);
    return lab::base_training_digest(e, lab::described_network(e, {1, 8, 8}, 3),
                                     e.methods.parse("plain"), "images");
  };
  const lab::Experiment e =
      lab::read_experiment(bench.path("tiny.toml"), std::vector<std::string>{});
  const nn::Network network = lab::described_network(e, {1, 8, 8}, 3);
  // The keys of Ohmic 0.2.0.
  const std::string words = R"([training]
batch = 128
beta1 = 0.9
beta2 = 0.999
epochs = 2
epsilon = 1e-08
learning_rate = 0.01
optimiser = "adam"
schedule = "cosine"
seed = 1
warm_up_epochs = 0
weight_decay = 0.0
)" + nn::to_toml(network.spec()) +
                            "images\n" +
                            fmt::format("training {}\nrng {}\narithmetic {}\n",
                                        lab::kTrainingVersion, kRngVersion, arithmetic_name());
  CHECK(digest_of({}) == digest(words));
  CHECK(digest_of({"training.label_smoothing=0", "training.average_weights=none"}) ==
        digest_of({}));
  CHECK(digest_of({"training.label_smoothing=0.1"}) != digest_of({}));
}

}  // namespace ohmic
