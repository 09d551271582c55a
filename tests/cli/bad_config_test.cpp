#include "cli/refused.h"
#include "devices/catalogue.h"

/// Bad input in the config: one clear line, exit status 2, and nothing is left.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::kTinyConfig;
using testing::Workbench;

constexpr int kUsage = lab::kUsage, kFiles = lab::kFiles;

/// A value given with --set and what is said of it after "--set KEY=VALUE: ".
struct Fault {
  std::string setting, message;
};

TEST_CASE("a wrong key of a file is refused with its place and the key that was meant") {
  const Workbench bench("wrong-key");
  bench.write("key.toml", kTinyConfig + "[adc]\nbits = 8\nbitz = 8\n");
  check_refused(bench, {"run", "~/key.toml", "-o", "~/out"}, kUsage,
                "~/key.toml:40:1: unknown key adc.bitz (did you mean 'bits'?)");
  bench.write("table.toml", "seed = 1\n[devise]\nsigma = 0.3\n");
  check_refused(bench, {"run", "~/table.toml", "-o", "~/out"}, kUsage,
                "~/table.toml:2:2: unknown key devise (did you mean 'device'?)");
  bench.write("type.toml", kTinyConfig + "[adc]\nbits = \"many\"\n");
  check_refused(
      bench, {"run", "~/type.toml", "-o", "~/out"}, kUsage,
      "~/type.toml:39:1: adc.bits = \"many\" is a string, expected an integer or \"ideal\"");
  bench.write("twice.toml", "seed = 1\nseed = 2\n");
  check_refused(bench, {"run", "~/twice.toml", "-o", "~/out"}, kUsage, "~/twice.toml:2:...");
}

TEST_CASE("a wrong value is refused with the setting, the key, and what was expected") {
  const Workbench bench("wrong-value");
  std::string models;
  for (const auto& entry : devices::catalogue())
    models += (models.empty() ? "" : ", ") + std::string(entry.name);
  const std::vector<Fault> faults = {
      // type
      {"chips=2.5", "chips = 2.5 is a float, expected an integer"},
      {"device.sigma=large", "device.sigma = \"large\" is a string, expected a number"},
      {"device.sigma=\"0.3\"", "device.sigma = \"0.3\" is a string, expected a number"},
      {"device=lognormal", "device = \"lognormal\" is a string, expected a table"},
      {"array=3", "array = 3 is an integer, expected a table"},
      {"network.layers=3", "network.layers is an integer, expected [[network.layers]]"},
      {"override=3", "override is an integer, expected [[override]] tables"},
      // range
      {"chips=0", "chips = 0 is out of range (1 .. ..."},
      {"seed=-1", "seed = -1 is out of range (0 or more)"},
      {"device.sigma=-0.1", "device.sigma = -0.1 is out of range (0 .. 3)"},
      {"device.sigma=nan", "device.sigma = nan is not finite, expected a number"},
      {"adc.bits=0", "adc.bits = 0 is out of range (1 .. 16, or \"ideal\")"},
      {"dac.bits=0", "dac.bits = 0 is out of range (1 .. 16, or \"ideal\")"},
      {"adc.bits=17", "adc.bits = 17 is out of range (1 .. 16, or \"ideal\")"},
      {"adc.bits=perfect", "adc.bits = \"perfect\" is a string, expected an integer or \"ideal\""},
      // unit
      {"device.g_min=1", "unknown key device.g_min (did you mean 'g_min_uS'?)"},
      {"device.g_min_us=1", "unknown key device.g_min_us (did you mean 'g_min_uS'?)"},
      {"array.read_voltage_mv=200",
       "unknown key array.read_voltage_mv (did you mean 'read_voltage_v'?)"},
      // what does not make sense together
      {"device.g_min_uS=50", "device.g_min_uS = 50 is not below device.g_max_uS = 40"},
      {"device.g_min_uS=40", "device.g_min_uS = 40 is not below device.g_max_uS = 40"},
      {"adc.bits=1",
       "adc.bits = 1 leaves a signed ADC with zero as its only level; set adc.zero = false"},
      {"dac.bits=1",
       "dac.bits = 1 leaves a signed DAC with zero as its only level; set dac.zero = false or "
       "dac.sign = \"unsigned\""},
      {"array.columns=1", "array.columns = 1 holds no differential pair, which takes two"},
      {"device={model=\"ideal\", read_noise=0.1}",
       "device.read_noise = 0.1 needs device.read_noise_of = \"g_max\", \"g\" or \"inverse\""},
      // words
      {"device.model=lognorma",
       "device.model = \"lognorma\" is not one of " + models + " (did you mean 'lognormal'?)"},
      {"array.mapping=offsett",
       "array.mapping = \"offsett\" is not one of differential, differential_two_sided, offset "
       "(did you mean 'offset'?)"},
      {"devise.sigma=1", "unknown key devise (did you mean 'device'?)"},
      {"seed", "expected KEY=VALUE"},
      // layers
      {"network.layers.fc1.typ=linear", "unknown key network.layers.typ (did you mean 'type'?)"},
      {"network.layers.fc2.bias=false",
       "network.layers has no element of name or index 'fc2' (did you mean 'fc1'?)"},
      // overrides
      {"override=[{}]", "override names no layers; say layers = [\"conv1\"]"},
      {"override=[{layers=[\"conv9\"]}]",
       "override.layers: no layer 'conv9' of cells in this network; it has conv1, fc1"},
      {"override=[{layers=[\"relu1\"]}]",
       "override.layers: no layer 'relu1' of cells in this network; it has conv1, fc1"},
      {"override=[{layers=[\"fc1\"], adc={bitz=3}}]",
       "unknown key adc.bitz (did you mean 'bits'?)"},
      {"override=[{layers=[\"fc1\"], adc=3}]", "override.adc is an integer, expected a table"},
      {"override=[{layers=[\"fc1\"], adcs={bits=3}}]",
       "unknown key override.adcs (did you mean 'adc'?)"},
  };
  for (const Fault& fault : faults)
    check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", fault.setting}, kUsage,
                  "--set " + fault.setting + ": " + fault.message);
}

TEST_CASE("an empty range of a fixed converter, or one without levels, is refused") {
  const Workbench bench("fixed-range");
  const auto refused = [&](const std::vector<std::string>& settings, const std::string& message) {
    std::vector<std::string> words{"run",   "~/tiny.toml",     "-o",    "~/out",
                                   "--set", "adc.range=fixed", "--set", "adc.low_uA=-10",
                                   "--set", "adc.high_uA=10"};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    check_refused(bench, words, kUsage, message);
  };
  refused({"adc.low_uA=5", "adc.high_uA=5"},
          "--set adc.low_uA=5: adc.low_uA = 5 is not below adc.high_uA = 5");
  refused({"adc.low_uA=25"}, "--set adc.low_uA=25: adc.low_uA = 25 is not below adc.high_uA = 10");
  refused({"adc.bits=1"},
          "--set adc.bits=1: adc.bits = 1 leaves a signed ADC with zero as its only level; set "
          "adc.zero = false");
}

TEST_CASE("keys that a command needs are asked for by name") {
  const Workbench bench("needs");
  bench.write("no_data.toml", "seed = 1\n");
  check_refused(bench, {"run", "~/no_data.toml", "-o", "~/out"}, kUsage,
                "~/no_data.toml: data.set is missing; say [data] set = \"fashion-mnist\", ...");
  bench.write("no_network.toml", "[data]\nset = \"set\"\n");
  for (const char* command : {"run", "train"})
    check_refused(bench, {command, "~/no_network.toml", "-o", "~/out"}, kUsage,
                  "~/no_network.toml: network.model is missing; say [network] model = ...");
}

TEST_CASE("a config that is missing, a folder, empty, binary or no TOML is refused") {
  const Workbench bench("no-config");
  std::filesystem::create_directories(bench.path("folder.toml"));
  bench.write("empty.toml", "");
  bench.write("comment.toml", "# nothing else\n");
  bench.write("elf.toml", std::string("\x7f"
                                      "ELF\x02\x00\x01",
                                      7));
  bench.write("noise.toml", "\xff\xfe\x01\x80");
  bench.write("words.toml", "seed 1\n");
  for (const char* command : {"run", "train"}) {
    const auto refused = [&](const std::string& file, int status, const std::string& message) {
      check_refused(bench, {command, "~/" + file, "-o", "~/out"}, status, "~/" + file + message);
    };
    refused("missing.toml", kFiles, ": no such file");
    refused("folder.toml", kFiles, ": is a folder, expected a file");
    refused("empty.toml", kUsage, ": the config is empty");
    refused("comment.toml", kUsage, ": the config is empty");
    refused("elf.toml", kUsage, ": is a binary file, expected TOML");
    refused("noise.toml", kUsage,
            ":1:1: is not TOML: a byte that is not UTF-8; save the file as UTF-8");
    refused("words.toml", kUsage, ":1:6: is not TOML: ...");
  }
}

TEST_CASE("words that make no command line are refused with the help that would tell") {
  const Workbench bench("words");
  check_refused(bench, {}, kUsage, "a command is missing: one of run, train, ...");
  check_refused(bench, {"rum", "~/tiny.toml"}, kUsage,
                "no such command: rum (did you mean 'run'?)");
  check_refused(bench, {"frobnicate"}, kUsage,
                "no such command: frobnicate (one of run, train, ...");
  check_refused(bench, {"run"}, kUsage, "config is required; see `ohmic run --help`");
  check_refused(bench, {"run", "~/tiny.toml", "--frob"}, kUsage,
                "The following argument was not expected: --frob; see `ohmic run --help`");
  check_refused(bench, {"run", "~/tiny.toml", "-o"}, kUsage,
                "--output: 1 required TEXT missing; see `ohmic run --help`");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--threads", "-1"}, kUsage,
                "--threads: Value -1 not in range 0 to 1024; see `ohmic run --help`");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--isa", "v9"}, kUsage,
                "--isa v9: no such level; ...");
  check_refused(bench, {"info", "adc.bitz"}, kUsage,
                "info adc.bitz: no such key, table or device (did you mean 'adc.bits'?)");
  check_refused(bench, {"info", "lognorml"}, kUsage,
                "info lognorml: no such key, table or device (did you mean 'lognormal'?)");
}

}  // namespace
}  // namespace ohmic
