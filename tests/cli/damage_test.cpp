#include <random>

#include "cli/process.h"
#include "cli/refused.h"
#include "cli/same_results.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// Damaged, hostile and unsealed files through the command line.
using namespace ohmic;
using namespace ohmic::testing;

namespace {

void flip(const std::string& file, std::size_t at) {
  std::string bytes = read_whole_file(file);
  bytes[at % bytes.size()] ^= static_cast<char>(1 << at % 8);
  std::ofstream(file, std::ios::binary) << bytes;
}

const std::string kTinySearch = kTinyCompare +
                                "[search]\nlayers = [\"conv1\"]\nratios = [0, 1]\nepochs = "
                                "1\nchips = 2\nimages = 20\nevaluations = 2\n";

std::string with_validation(std::string config) {
  config.replace(config.find("set = \"set\""), 11, "set = \"set\"\nvalidation = 40");
  return config;
}

}  // namespace

TEST_CASE("a flipped bit in sealed results ends a report with exit status 3 and the file's name") {
  const Workbench bench("flip-report");
  bench.write("compare.toml", kTinyCompare + "sigmas = [0.2]\n");
  bench.write("search.toml", with_validation(kTinySearch));
  bench.write("sweep.toml",
              kTinyConfig + "[sweep]\naxes = [ { key = \"adc.bits\", values = [4, 8] } ]\n");
  bench.write("run.toml", kTinyConfig);
  std::mt19937 random(5);
  for (const std::string command : {"run", "compare", "search", "sweep"}) {
    CAPTURE(command);
    const Said said = bench.ohmic({command, "~/" + command + ".toml", "-o", "~/" + command});
    CAPTURE(said.log);
    REQUIRE(said.status == 0);
    const std::string file = bench.path(command + "/results.h5");
    const std::string whole = read_whole_file(file);
    CHECK(bench.ohmic({"report", "~/" + command, "-o", "~/page.html"}).log == "");
    std::vector<std::size_t> places{0, whole.size() - 1, whole.size() - 40};
    for (int i = 0; i < 10; ++i) places.push_back(random());
    for (const std::size_t at : places) {
      flip(file, at);
      check_refused(bench, {"report", "~/" + command, "-o", "~/other.html"}, lab::kFiles,
                    "~/" + command + "/results.h5: is truncated or damaged");
      std::ofstream(file, std::ios::binary) << whole;
    }
  }
}

TEST_CASE("a damaged network, placement or chip that the user names is exit status 3") {
  const Workbench bench("flip-named");
  bench.write("search.toml", with_validation(kTinySearch));
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/trained"}).status == 0);
  REQUIRE(bench.ohmic({"run", "~/tiny.toml", "-o", "~/run", "--dump-chip", "1"}).status == 0);
  REQUIRE(bench.ohmic({"search", "~/search.toml", "-o", "~/search"}).status == 0);
  const auto words = [](const std::string& setting, const std::string& method) {
    return std::vector<std::string>{"run",   "~/tiny.toml",      "-o",    "~/out",
                                    "--set", "method=" + method, "--set", setting};
  };
  struct Case {
    std::string file, setting, method;
  };
  for (const Case& c :
       {Case{"trained/network.h5", "network.file=trained/network.h5", "plain"},
        Case{"search/results.h5",
             "methods.compensation={placement=\"search/results.h5\",epochs=1,"
             "overhead_limit=1.0, overhead_limit_macs=100.0}",
             "correctnet"},
        Case{"run/chip_1.h5", "device={model=\"real_chip\",file=\"run/chip_1.h5\"}", "plain"}}) {
    CAPTURE(c.file);
    const std::string whole = read_whole_file(bench.path(c.file));
    std::mt19937 random(6);
    for (int i = 0; i < 8; ++i) {
      flip(bench.path(c.file), random());
      const Said said = bench.ohmic(words(c.setting, c.method));
      CHECK(said.status == lab::kFiles);
      CHECK(said.log.find("~/" + c.file + ": is truncated or damaged") != said.log.npos);
      CHECK_FALSE(bench.has("out/results.h5"));
      std::ofstream(bench.path(c.file), std::ios::binary) << whole;
    }
  }
}

TEST_CASE("a damaged cached training is told in one line and trained again to the same bits") {
  const Workbench bench("flip-cache");
  REQUIRE(bench.ohmic({"run", "~/tiny.toml", "-o", "~/one"}).status == 0);
  std::string cached;
  for (const auto& entry : std::filesystem::directory_iterator(bench.path("cache")))
    if (entry.is_regular_file()) cached = entry.path().string();
  const std::string whole = read_whole_file(cached);
  std::mt19937 random(7);
  for (int i = 0; i < 5; ++i) {
    flip(cached, random());
    std::filesystem::remove_all(bench.path("two"));
    const Said said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/two"});
    CHECK(said.status == 0);
    CHECK(said.log.find(": is truncated or damaged; plain is trained again\n") != said.log.npos);
    CHECK(first_difference(bench.path("one/results.h5"), bench.path("two/results.h5")) == "");
    CHECK(read_whole_file(cached) == whole);
  }
  // The same in an output folder, and for --dry-run, which only looks.
  flip(cached, 1000);
  CHECK(bench.ohmic({"run", "~/tiny.toml", "-o", "~/x", "--dry-run"}).status == 0);
}

TEST_CASE("damaged results, points and networks in a folder are made again, not called done") {
  const Workbench bench("flip-done");
  bench.write("compare.toml", kTinyCompare + "sigmas = [0.2]\n");
  bench.write("search.toml", with_validation(kTinySearch));
  bench.write("sweep.toml",
              kTinyConfig + "[sweep]\naxes = [ { key = \"adc.bits\", values = [4, 8] } ]\n");
  for (const std::string command : {"run", "train", "compare", "search", "sweep"}) {
    CAPTURE(command);
    const std::string config = command == "run" || command == "train" ? "tiny" : command;
    const std::vector<std::string> words{command, "~/" + config + ".toml", "-o", "~/" + command};
    REQUIRE(bench.ohmic(words).status == 0);
    const std::string results = bench.path(command + "/results.h5");
    std::filesystem::copy_file(results, bench.path(command + ".h5"));
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(bench.path(command)))
      if (entry.path().extension() == ".h5") files.push_back(entry.path().string());
    for (const std::string& file : files) {
      CAPTURE(file);
      flip(file, 4321);
      // A point is looked at where the results need it.
      if (file.find("/points/") != file.npos) std::filesystem::remove(results);
      const Said said = bench.ohmic(words);
      CAPTURE(said.log);
      CHECK(said.status == 0);
      CHECK(said.out.find("is done already") == said.out.npos);
      CHECK(h5::condition_of(file) == h5::Condition::sealed);
      CHECK(first_difference(bench.path(command + ".h5"), results) == "");
      CHECK(bench.ohmic(words).out.find("is done already") != said.out.npos);
    }
  }
  CHECK(bench.has("run/results.h5.damaged-1"));
}

TEST_CASE("results of Ohmic 0.1.0 are read with the line that they are not sealed") {
  const Workbench bench("not-sealed");
  const std::string old = OHMIC_GOLDEN "/cases/results-1bit.h5";
  const Said said = bench.ohmic({"report", old, "-o", "~/page.html"});
  CHECK(said.status == 0);
  CHECK(said.log ==
        old + ": not sealed (written by Ohmic 0.1.0): damage to it would not be noticed\n");
}

TEST_CASE("files that claim more than they can hold are exit status 3, not a lack of memory") {
  const Workbench bench("claims");
  const std::string place = OHMIC_GOLDEN "/cases/";
  check_refused(
      bench, {"report", place + "rep-accall.h5", "-o", "~/p.html"}, lab::kFiles,
      place + "rep-accall.h5: '/chips/accuracy_all' claims 1000000000000 x 0 x 0 values...");
  check_refused(bench, {"report", place + "strings-big.h5", "-o", "~/p.html"}, lab::kFiles,
                place + "strings-big.h5: '/layers/name' claims 1000000000 values...");
  check_refused(bench,
                {"run", "~/tiny.toml", "-o", "~/out", "--set", "network.file=" + place + "ck.h5"},
                lab::kFiles, place + "ck.h5: ...");
}

TEST_CASE("a cache that cannot be written does not stop a run: the training stays in the folder") {
  const Workbench bench("no-cache");
  REQUIRE(bench.ohmic({"run", "~/tiny.toml", "-o", "~/whole", "--no-cache"}).status == 0);
  bench.write("cache", "a file where the cache should be");
  const Said said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/out"});
  CHECK(said.status == 0);
  CHECK(said.log.starts_with(
      "~/cache: the cache of trained networks cannot be made: Not a directory: this training is "
      "kept in ~/out/training.h5\n"));
  CHECK(bench.has("out/training.h5"));
  CHECK(first_difference(bench.path("whole/results.h5"), bench.path("out/results.h5")) == "");
  CHECK(bench.ohmic({"run", "~/tiny.toml", "-o", "~/dry", "--dry-run"}).status == 0);

  const std::map<std::string, std::string> without{
      {"OHMIC_CACHE", std::getenv("OHMIC_CACHE")},
      {"XDG_CACHE_HOME", std::getenv("XDG_CACHE_HOME") ? std::getenv("XDG_CACHE_HOME") : ""},
      {"HOME", std::getenv("HOME") ? std::getenv("HOME") : ""}};
  for (const auto& [name, value] : without) unsetenv(name.c_str());
  const Said homeless = bench.ohmic({"run", "~/tiny.toml", "-o", "~/homeless"});
  for (const auto& [name, value] : without)
    if (!value.empty()) setenv(name.c_str(), value.c_str(), 1);
  CHECK(homeless.status == 0);
  CHECK(homeless.log.starts_with("no place for the cache of trained networks: set OHMIC_CACHE"));
  CHECK(bench.has("homeless/training.h5"));
}

TEST_CASE("output to a full device is exit status 3 for every command") {
  const Workbench bench("full-device");
  bench.write("sweep.toml",
              kTinyConfig + "[sweep]\naxes = [ { key = \"adc.bits\", values = [4] } ]\n");
  bench.write_matrix("w.npy", 3, 4, 1);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"info"},
           {"--help"},
           {"--version"},
           {"run", "~/tiny.toml", "-o", "~/run"},
           {"run", "~/tiny.toml", "-o", "~/run"},  // done already
           {"train", "~/tiny.toml", "-o", "~/train"},
           {"sweep", "~/sweep.toml", "-o", "~/sweep"},
           {"report", "~/run", "-o", "~/page.html"},
           {"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/y.npy"}}) {
    CAPTURE(words.front());
    const std::string log = bench.path("log");
    CHECK(Process(bench, words, "/dev/full", log).wait() == lab::kFiles);
    CHECK(read_whole_file(log).find(
              "ohmic: standard output: cannot be written (is its device full, or was it "
              "closed?)\n") != std::string::npos);
  }
}
