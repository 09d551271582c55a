#include <doctest/doctest.h>

#include <map>
#include <set>

#include "io/h5.h"
#include "lab/experiment/identity.h"
#include "lab/experiment/key_notes.h"
#include "other_values.h"
#include "refused.h"
#include "workbench.h"

/// No key without effect: it acts on the results of the command, or one line says why it cannot.
namespace ohmic {
namespace {

using testing::candidates;
using testing::check_refused;
using testing::Workbench;

std::vector<std::string> notes_of(const Workbench& bench, const std::string& command,
                                  const std::vector<std::string>& settings,
                                  const std::string& file = "tiny.toml") {
  return lab::key_notes(lab::read_experiment(bench.path(file), settings), command);
}

bool is_told(const std::vector<std::string>& notes, const std::string& words) {
  for (const std::string& note : notes)
    if (note.find(words) != note.npos) return true;
  return false;
}

/// A table and a chip for the models that are made from files.
void write_device_files(const Workbench& bench) {
  bench.write("m.csv", "target_uS,mean_uS,std_uS\n0,1,0.5\n40,38,2\n");
  h5::Writer out(bench.path("chip.h5"));
  const std::vector<double> cells(4 * 2 * 3 * 5, 1e-5);
  out.write("/layers/W/programmed", {4, 2, 3, 5}, cells.data());  // four reads
  out.commit();
}

/// Chooses the model that has a key, "device gaussian"; nothing where all have it.
std::vector<std::string> device_settings(const std::string& of) {
  if (!of.starts_with("device ")) return {};
  const std::string model = of.substr(7);
  if (model == "measured") return {"device={model=\"measured\", file=\"m.csv\", g_min_uS=0}"};
  if (model == "real_chip") return {"device={model=\"real_chip\", file=\"chip.h5\"}"};
  return {"device={model=\"" + model + "\"}"};
}

/// Tables that a command reads, beside the keys on top.
bool reads(const std::string& command, const std::string& table) {
  const bool is_hardware = table == "device" || table == "faults" || table == "array" ||
                           table == "dac" || table == "adc" || table == "time";
  const bool is_network = table == "network" || table == "training" || table == "evaluation";
  if (command == "mvm") return is_hardware;
  if (command == "train") return table == "network" || table == "training";
  return is_hardware || is_network || table == command;
}

}  // namespace

TEST_CASE("every key that a command reads acts on its results, or a line says why it cannot") {
  const Workbench bench("acts");
  write_device_files(bench);
  bench.write("tiny.toml",
              testing::kTinyConfig +
                  "[compare]\nmethods = [\"plain\"]\n[search]\nlayers = [\"conv1\"]\n"
                  "[sweep]\naxes = [ { key = \"evaluation.batch\", values = [64] } ]\n");
  int told = 0, acting = 0;
  for (const std::string command : {"run", "train", "mvm", "compare", "search", "sweep"}) {
    lab::InputFiles files;
    const auto digest_of = [&](const std::vector<std::string>& settings) {
      return lab::identity_of(lab::read_experiment(bench.path("tiny.toml"), settings), command,
                              "data", files)
          .digest;
    };
    std::map<std::string, std::string> bases;  // by device
    for (const lab::KeyManual& manual : lab::key_manual()) {
      const std::string& key = manual.key;
      const std::string table = key.substr(0, key.find('.'));
      if (!reads(command, table) || key == table || !manual.field.affects_results ||
          manual.field.is_file || key.starts_with("network.layers.") || key.ends_with(".axes"))
        continue;
      CAPTURE(command);
      CAPTURE(key);
      CAPTURE(manual.of);
      std::vector<std::string> settings = device_settings(manual.of);
      std::string& base = bases[manual.of];
      if (base.empty()) base = digest_of(settings);
      settings.emplace_back();
      bool is_known = false, is_accepted = false;
      std::vector<std::string> values = candidates(manual.field);
      for (const char* list : {"[0.5]", "[\"fc1\"]", "[20]", "[2.0]"}) values.emplace_back(list);
      std::erase(values, manual.field.default_value);
      for (const std::string& value : values) try {
          settings.back() = key + "=" + value;
          const bool acts = digest_of(settings) != base;
          const bool says = is_told(notes_of(bench, command, settings), key + " has no effect");
          is_accepted = true;
          acting += acts;
          told += says;
          is_known = acts || says;
          if (is_known) break;
        } catch (const std::exception&) {
          // refused: told as well
        }
      CHECK_MESSAGE((is_known || !is_accepted), command << ": " << key);
    }
  }
  CHECK(acting > 400);
  CHECK(told > 60);
}

TEST_CASE("a key of hardware is told in an override exactly where it is told outside of one") {
  const Workbench bench("override-acts");
  write_device_files(bench);
  bench.write("tiny.toml", testing::kTinyConfig +
                               "[[override]]\nname = \"first\"\nlayers = "
                               "[\"conv1\"]\n");
  int told = 0, silent = 0;
  std::set<std::string> done;
  for (const lab::KeyManual& manual : lab::key_manual()) {
    const std::string& key = manual.key;
    const std::string table = key.substr(0, key.find('.'));
    const bool is_hardware = table == "device" || table == "faults" || table == "array" ||
                             table == "dac" || table == "adc";
    if (!is_hardware || key == "device.model" || manual.field.is_file ||
        !done.insert(key + manual.of).second)
      continue;
    CAPTURE(key);
    CAPTURE(manual.of);
    for (const std::string& value : candidates(manual.field)) {
      const std::vector<std::string> device = device_settings(manual.of);
      std::vector<std::string> outside = device, inside;
      for (const std::string& setting : device) inside.push_back("override.first." + setting);
      outside.push_back(key + "=" + value);
      inside.push_back("override.first." + key + "=" + value);
      try {
        const bool is_outside = is_told(notes_of(bench, "run", outside), key + " has no effect");
        const bool is_inside =
            is_told(notes_of(bench, "run", inside), "override.first." + key + " has no effect");
        CHECK(is_outside == is_inside);
        ++(is_inside ? told : silent);
        // Of a layer that stays digital nothing acts.
        inside.push_back("override.first.analog=false");
        CHECK(
            is_told(notes_of(bench, "run", inside),
                    "override.first." + key +
                        " has no effect: analog is false for its layers, which have no hardware"));
        break;
      } catch (const ConfigError&) {
        // another value
      }
    }
  }
  CHECK(told > 20);
  CHECK(silent > 100);
}

TEST_CASE("keys of devices from files that the file leaves nothing to do are told") {
  const Workbench bench("file-notes");
  write_device_files(bench);
  bench.write_matrix("w.npy", 3, 5, 1);
  const auto log_of = [&](const std::string& device) {
    return bench
        .ohmic({"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/y.npy", "--force",
                "--set", device})
        .log;
  };
  const std::string measured = "device={model=\"measured\", g_min_uS=0, file=\"~/m.csv\"",
                    chip = "device={model=\"real_chip\", file=\"~/chip.h5\"";
  CHECK(log_of(measured + "}") == "");
  CHECK(log_of(measured + ", file_unit=\"uS\"}") ==
        "note: ~/m.csv: device.file_unit has no effect: every column names its unit\n");
  CHECK(log_of(measured + ", read_voltage_v=0.1}") ==
        "note: ~/m.csv: device.read_voltage_v has no effect: no column is a current\n");
  const std::string noise = ", read_noise=0.1, read_noise_of=\"g\"";
  CHECK(log_of(chip + "}") == "");
  CHECK(
      log_of(chip + noise + "}") ==
      "note: ~/chip.h5: device.read_noise has no effect: the file's reads say how they scatter\n");
  for (const char* addition : {"programming=\"write_verify\"", "telegraph_share=0.1",
                               "sigma_die=0.1", "sigma_correlated=0.1"}) {
    const std::string key = std::string(addition).substr(0, std::string(addition).find('='));
    const std::string setting = chip + ", " + addition + "}";
    const testing::Said said = bench.ohmic(
        {"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/z.npy", "--set", setting});
    CHECK(said.status == lab::kUsage);
    CHECK(said.message() == "--set " + setting + ": device." + key +
                                " does not go with model real_chip, whose cells are as they were "
                                "read out; leave it out");
  }
}

TEST_CASE("a verifying loop that cannot see the variation is told") {
  const Workbench bench("blind-loop");
  const auto log_of = [&](const std::string& device) {
    return bench
        .ohmic({"run", "~/tiny.toml", "-o", "~/out", "--force", "--set", "device=" + device})
        .log;
  };
  const std::string words = "device.programming verifies cells, and the variation acts on weights";
  CHECK(log_of("{model=\"lognormal\", programming=\"write_verify\"}").find(words) !=
        std::string::npos);
  CHECK(log_of("{model=\"lognormal\", variation_on=\"device\", programming=\"write_verify\"}")
            .find(words) == std::string::npos);
}

TEST_CASE("keys that were left over are told with their place and the reason") {
  const Workbench bench("left-over");
  bench.write("old.toml", testing::kTinyConfig + R"([dac]
limit = 3.0
[adc]
low_uA = -5
[time]
at_s = 3600
)");
  const auto notes = notes_of(
      bench, "run", {"device.verify_tolerance_uS=2", "device.telegraph_amplitude=0.2"}, "old.toml");
  const auto told = [&](const char* words) { CHECK_MESSAGE(is_told(notes, words), words); };
  told(":1: dac.limit has no effect: range is not \"fixed\"");
  told(":1: adc.low_uA has no effect: range is not \"fixed\"");
  told(":1: time.at_s has no effect: no device here changes with time");
  told(
      "--set device.verify_tolerance_uS=2: device.verify_tolerance_uS has no effect: programming "
      "is "
      "not \"write_verify\"");
  told("device.telegraph_amplitude has no effect: telegraph_share is 0");
  CHECK(notes.size() == 5);
  CHECK(notes_of(bench, "run", {}).empty());
  CHECK(is_told(
      notes_of(bench, "mvm", {"device={model=\"pcm_like\"}", "time.drift_compensation=global"}),
      "time.drift_compensation has no effect on `ohmic mvm`"));
  // One line per key, whatever reasons there are.
  CHECK(notes_of(bench, "mvm", {"time.drift_compensation=global"}).size() == 1);
  CHECK(notes_of(bench, "run", {"time.calibration=each_time"}).size() == 1);
  // On the log of the command, after every check.
  const auto said = bench.ohmic({"run", "~/old.toml", "-o", "~/out"});
  CHECK(said.log.starts_with("note: ~/old.toml:"));
  check_refused(bench, {"run", "~/old.toml", "-o", "~/other", "--set", "device.levles=3"},
                lab::kUsage,
                "--set device.levles=3: unknown key device.levles (did you mean 'levels'?)");
}

TEST_CASE("what --set gives to another command or method is told; tables in a file are shared") {
  const Workbench bench("others");
  bench.write("tiny.toml",
              testing::kTinyConfig + "[search]\nimages = 40\n[methods.injection]\nsigma = 0.4\n");
  // What is said of the settings alone; of the file, nothing but keys of [evaluation].
  const auto notes = [&](const std::string& command, const std::vector<std::string>& settings) {
    std::vector<std::string> all = notes_of(bench, command, settings);
    std::erase_if(all, [](const std::string& note) {
      return note.find(": evaluation.") != note.npos && !note.starts_with("--set");
    });
    return all;
  };
  for (const char* command : {"run", "train", "mvm", "compare", "search", "sweep"})
    CHECK(notes(command, {}).empty());
  const auto told = [&](const std::string& command, const std::string& setting,
                        const std::string& more) {
    CAPTURE(command);
    CAPTURE(setting);
    const auto all = notes(command, {setting});
    REQUIRE(all.size() == 1);
    CHECK(all[0] == "--set " + setting + ": " + setting.substr(0, setting.find('=')) +
                        " has no effect on `ohmic " + command + "`" + more);
  };
  told("run", "search.images=32", "");
  told("sweep", "compare.training_seeds=[3]", "");
  told("mvm", "training.epochs=3", "");
  told("mvm", "methods.ridge.images=30", "");
  told("mvm", "reads_per_programming=3", "");
  told("compare", "method=injection", "");
  told("train", "adc.bits=4", "");
  told("train", "methods.ridge.images=30", ", which does not use ridge");
  told("run", "methods.injection.sigma=0.3", ", which does not use injection");
  CHECK(notes("run", {"method=injection", "methods.injection.sigma=0.3"}).empty());
  CHECK(notes("search", {"search.images=32"}).empty());
}

TEST_CASE("folding is told where nothing can be folded") {
  const Workbench bench("fold");
  const std::string told =
      "network.fold_batch_norm has no effect: the network has no layer of type batch_norm";
  CHECK(is_told(notes_of(bench, "run", {"network.fold_batch_norm=false"}), told));
  std::string config = testing::kTinyConfig;
  config.replace(config.find("type = \"relu\""), 13, "type = \"batch_norm\"");
  bench.write("norm.toml", config);
  CHECK(notes_of(bench, "run", {"network.fold_batch_norm=false"}, "norm.toml").empty());
  lab::InputFiles files;
  const auto digest_of = [&](const std::string& file, const std::vector<std::string>& settings) {
    return lab::identity_of(lab::read_experiment(bench.path(file), settings), "run", "data", files)
        .digest;
  };
  const std::vector<std::string> unfolded{"network.fold_batch_norm=false"};
  CHECK(digest_of("norm.toml", unfolded) != digest_of("norm.toml", {}));
  CHECK(digest_of("tiny.toml", unfolded) == digest_of("tiny.toml", {}));
  bench.write("built.toml", "[data]\nset = \"set\"\n[network]\nmodel = \"lenet5\"\n");
  CHECK(is_told(notes_of(bench, "run", {"network.fold_batch_norm=false"}, "built.toml"), told));
}

TEST_CASE("values that can hardly be meant are told in per cent") {
  const Workbench bench("doubtful");
  const std::string gaussian = "device={model = \"gaussian\", sigma = 5.0}";
  CHECK(is_told(notes_of(bench, "run", {gaussian}), "device.sigma = 5.0 is 500 % of g_max"));
  CHECK(is_told(notes_of(bench, "run", {gaussian, "device.sigma_of=g"}), "is 500 % of g"));
  CHECK(is_told(notes_of(bench, "run", {"device.read_noise=5"}),
                "device.read_noise = 5 is 500 % of g_max"));
  CHECK(!is_told(notes_of(bench, "run", {"device.read_noise=0.5"}), "device.read_noise"));
  CHECK(is_told(notes_of(bench, "mvm", {"device={model = \"uniform\", width = 2.0}"}),
                "device.width = 2.0 is 200 % of g_max"));
}

TEST_CASE("an override that a later one hides is told, and acts where it is not hidden") {
  const Workbench bench("hidden");
  bench.write("tiny.toml", testing::kTinyConfig + R"(
[[override]]
name = "big"
layers = ["conv1"]
adc.bits = 10
dac.bits = 6
[[override]]
name = "small"
layers = ["conv1", "fc1"]
adc.bits = 4
)");
  const auto notes = notes_of(bench, "run", {"override.big.adc.bits=12"});
  CHECK(is_told(notes,
                "--set override.big.adc.bits=12: override.big.adc.bits has no effect: the "
                "override of the same layers behind it, small, sets it too"));
  CHECK(notes.size() == 1);
  CHECK(is_told(
      notes_of(bench, "run",
               {"override.small.adc.percentile=0.9", "override.small.adc.range=full_scale"}),
      "override.small.adc.percentile has no effect: range is not \"percentile\""));
}

TEST_CASE("a fixed range needs its bounds") {
  const Workbench bench("fixed");
  const auto refuse = [&](std::vector<std::string> settings, const std::string& message) {
    std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/out"};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    check_refused(bench, words, lab::kUsage, message);
  };
  refuse({"adc.range=fixed"},
         "--set adc.range=fixed: adc.range = \"fixed\" needs adc.low_uA and adc.high_uA");
  refuse({"adc.range=fixed", "adc.low_uA=-3"},
         "--set adc.range=fixed: adc.range = \"fixed\" needs adc.low_uA and adc.high_uA");
  refuse({"dac.range=fixed"}, "--set dac.range=fixed: dac.range = \"fixed\" needs dac.limit");
}

TEST_CASE("at a sweep's points only what acts at none of them is told") {
  const Workbench bench("sweep-notes");
  bench.write("s.toml", testing::kTinyConfig + R"([adc]
low_uA = -5.0
high_uA = 5.0
[sweep]
axes = [ { key = "adc.range", values = ["percentile", "fixed"] } ]
)");
  const auto said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--set", "dac.limit=2"});
  CHECK(said.status == lab::kDone);
  CHECK(said.log.find("note: --set dac.limit=2: dac.limit has no effect") != std::string::npos);
  CHECK(said.log.find("low_uA") == std::string::npos);
}

}  // namespace ohmic
