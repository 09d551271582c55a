#include <doctest/doctest.h>

#include <set>

#include "lab/identity.h"
#include "lab/key_notes.h"
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
    const std::string base = digest_of({});
    for (const lab::KeyManual& manual : lab::key_manual()) {
      const std::string& key = manual.key;
      const std::string table = key.substr(0, key.find('.'));
      if (!reads(command, table) || key == table || !manual.field.affects_results ||
          manual.field.is_file || key.starts_with("network.layers.") || key.ends_with(".axes"))
        continue;
      if (manual.of.starts_with("device ") && manual.of != "device lognormal") continue;
      CAPTURE(command);
      CAPTURE(key);
      bool is_known = false, is_accepted = false;
      std::vector<std::string> values = candidates(manual.field);
      for (const char* list : {"[0.5]", "[\"fc1\"]", "[20]", "[2.0]"}) values.emplace_back(list);
      std::erase(values, manual.field.default_value);
      for (const std::string& value : values) try {
          const std::vector<std::string> settings{key + "=" + value};
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
  CHECK(acting > 150);
  CHECK(told > 60);
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
  // On the log of the command, after every check.
  const auto said = bench.ohmic({"run", "~/old.toml", "-o", "~/out"});
  CHECK(said.log.starts_with("note: ~/old.toml:"));
  check_refused(bench, {"run", "~/old.toml", "-o", "~/other", "--set", "device.levles=3"},
                lab::kUsage,
                "--set device.levles=3: unknown key device.levles (did you mean 'levels'?)");
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
