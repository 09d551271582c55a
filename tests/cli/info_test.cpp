#include <doctest/doctest.h>

#include "base/progress.h"
#include "cli/refused.h"
#include "devices/catalogue.h"
#include "io/h5.h"
#include "io/whole_file.h"
#include "lab/experiment/experiment.h"

/// What the program says of itself and of what it would do.
namespace ohmic {
namespace {

using testing::Workbench;

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != text.npos;
}

TEST_CASE("the help of every command holds its worked example") {
  const Workbench bench("help");
  const std::pair<const char*, const char*> examples[] = {
      {"run", "ohmic run data/experiments/lenet5_fashion.toml -o fashion"},
      {"train", "ohmic train data/experiments/lenet5_fashion.toml -o trained"},
      {"mvm", "ohmic mvm config.toml --weights w.npy --inputs x.npy -o y.npy"},
      {"info", "ohmic info adc.bits"},
      {"report", "ohmic report quick --svg quick/plots"},
  };
  const auto all = bench.ohmic({"--help"});
  CHECK(all.status == lab::kDone);
  for (const auto& [command, example] : examples) {
    const auto said = bench.ohmic({command, "--help"});
    CHECK(said.status == lab::kDone);
    CHECK(says(said.out, "Example:"));
    CHECK(says(said.out, example));
    CHECK(said.log == "");
    CHECK(says(all.out, std::string("  ") + command));
    if (std::string(command) != "info" && std::string(command) != "report")
      for (const char* flag :
           {"--set", "--threads", "--dry-run", "--force", "--no-cache", "--quiet", "--output"})
        CHECK_MESSAGE(says(said.out, flag), flag);
  }
  const auto version = bench.ohmic({"--version"});
  CHECK(version.status == lab::kDone);
  CHECK(version.out.starts_with("ohmic 0."));
}

TEST_CASE("info tells of the installation, devices, models, tables and keys") {
  const Workbench bench("info");
  const auto info = [&](const std::string& what) {
    const auto said = what.empty() ? bench.ohmic({"info"}) : bench.ohmic({"info", what});
    CHECK(said.status == lab::kDone);
    CHECK(said.log == "");
    return said.out;
  };
  const std::string own = info("");
  CHECK(own.starts_with("ohmic 0."));
  CHECK(says(own, "network cache   ~/cache\n"));
  CHECK(says(own, "threads"));

  const std::string devices = info("devices");
  for (const auto& entry : devices::catalogue()) {
    CAPTURE(entry.name);
    CHECK(says(devices, std::string(entry.summary) + "\n"));
    const std::string page = info(std::string(entry.name));
    CHECK(says(page, entry.manual));
    for (const FieldManual& key : entry.keys()) {
      CAPTURE(key.key);
      CHECK(says(page, "device." + key.key + " (device " + std::string(entry.name) + ")\n"));
    }
  }
  CHECK(info("adc.bits") ==
        "adc.bits\n    resolution of the ADC\n    default 8 [bits]; 1 .. 16, or \"ideal\"\n");
  CHECK(says(info("adc"), "adc.range\n"));
  CHECK_FALSE(says(info("adc"), "dac.range\n"));
  CHECK(says(info("device.g_max_uS"), "default 40.0 [uS]; 1e-06 .. 1000000\n"));
  CHECK(says(info("network.layers.kernel"), "(layer conv, max_pool, average_pool)\n"));
  CHECK(says(info("network.layers"), "network.layers.epsilon (layer batch_norm)\n"));
}

TEST_CASE("info draws devices, fits of measured tables, and pulse responses") {
  const Workbench bench("pictures");
  const auto picture = [&](std::vector<std::string> words, const std::string& file,
                           const std::string& says) {
    words.insert(words.begin(), "info");
    words.insert(words.end(), {"-o", "~/"});
    const ohmic::testing::Said said = bench.ohmic(words);
    CAPTURE(said.log);
    CHECK(said.status == 0);
    CHECK(said.out.find(says) != std::string::npos);
    REQUIRE(bench.has(file));
    CHECK(read_whole_file(bench.path(file)).find("</svg>") != std::string::npos);
  };
  picture({"pcm_like", "--plot"}, "pcm_like_drift.svg", "plot in ~/pcm_like_sigma.svg");
  picture({"--pulses", "EcRam"}, "EcRam_pulses.svg", "law linear");
  bench.write("m.csv", "target_uS,mean_uS,std_uS\n0,1,0.5\n40,38,2\n");
  picture({"--fit", "~/m.csv"}, "fit.svg", "means and deviations at 2 targets, 0 .. 40 uS");
  CHECK(bench.ohmic({"info", "faults"}).out.starts_with("Broken cells."));
  ohmic::testing::check_refused(bench, {"info", "--pulses", "EcRm"}, 2,
                                "no pulse response 'EcRm' (did you mean 'EcRam'?)...");
  ohmic::testing::check_refused(bench, {"info", "--fit", "~/none.csv"}, 3,
                                "~/none.csv: no such file");
}

TEST_CASE("every key has a meaning, a default that it accepts, and stands once") {
  const Workbench bench("keys");
  const auto said = bench.ohmic({"info", "keys"});
  CHECK(said.status == lab::kDone);
  std::vector<std::string> seen;
  for (const lab::KeyManual& key : lab::key_manual()) {
    CAPTURE(key.key);
    CHECK(key.field.meaning.size() >= 3);
    CHECK(says("\n" + said.out, "\n" + key.key));
    CHECK(key.field.default_value.find("000000") == std::string::npos);  // no 40.00000000000001
    const std::string name = key.key + key.of;
    CHECK(std::count(seen.begin(), seen.end(), name) == 0);
    seen.push_back(name);
  }
  CHECK(seen.size() > 60);
}

TEST_CASE("a dry run says what would be done and writes nothing") {
  const Workbench bench("dry");
  const auto before = bench.listing();
  for (const std::string command : {"run", "train"}) {
    CAPTURE(command);
    const auto said = bench.ohmic({command, "~/tiny.toml", "-o", "~/out", "--dry-run"});
    CHECK(said.status == lab::kDone);
    CHECK(said.log == "");
    CHECK(says(said.out,
               "network   5 layers, 235 parameters, 2,496 multiply-accumulates per image\n"));
    CHECK(says(said.out, "data      set: 288 training, 32 validation, 100 test images\n"));
    CHECK(says(said.out, "training  2 epochs, about "));
    const bool has_chips = command == "run";  // a training programs none
    for (const char* words :
         {"\nconv1              4 x 9      1           72\n",
          "\nfc1               3 x 64      2          384\n",
          "\nsum                           3          456\n",
          "\nchips     3, 1 programming each, 1 read each: about ", " for chips, on "})
      CHECK(says(said.out, words) == has_chips);
    CHECK(says(said.out, "memory    about "));
    CHECK(says(said.out, " MiB\n"));
    CHECK(bench.listing() == before);
  }
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/trained"}).status == lab::kDone);
  const auto trained = bench.listing();
  CHECK(says(bench.ohmic({"run", "~/tiny.toml", "-o", "~/out", "--dry-run"}).out,
             "training  none: the network is there\n"));
  CHECK(bench.listing() == trained);

  bench.write_matrix("w.npy", 20, 30, 1);
  bench.write_matrix("x.npy", 5, 30, 2);
  const auto files = bench.listing();
  const auto said =
      bench.ohmic({"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o", "~/y.npy", "--dump",
                   "~/d.h5", "--chips", "2", "--dry-run", "--set", "array.rows=10"});
  CHECK(said.status == lab::kDone);
  CHECK(said.out.starts_with("W 20 x 30 on 3 tiles, 1,200 cells; 5 vectors on 2 chips\n"));
  CHECK(says(said.out, "memory    about "));
  CHECK(bench.listing() == files);
}

TEST_CASE("a dry run refuses a map of broken cells as the run does") {
  const Workbench bench("dry-map");
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"run", "~/tiny.toml", "-o", "~/out", "--set", "faults.map=nope.h5"});
    return bench.ohmic(words);
  };
  const auto dry = run({"--dry-run"}), real = run({});
  CHECK(dry.status == lab::kFiles);
  CHECK(real.status == lab::kFiles);
  CHECK(dry.message() == "~/nope.h5: no such file");
  CHECK(real.message() == dry.message());
}

TEST_CASE("a key is found under its former name") {
  const Workbench bench("former");
  const auto said = bench.ohmic({"info", "methods.write_verify.share"});
  CHECK(said.status == lab::kDone);
  CHECK(said.out == bench.ohmic({"info", "methods.write_verify.fraction"}).out);
}

TEST_CASE("a dry run of any command on networks reads no image") {
  const Workbench bench("outline");
  // Gzipped, as one stored block (RFC 1952, RFC 1951), without a checksum: whoever reads all images
  // misses it.
  const std::string images = read_whole_file(bench.path("set/train-images-idx3-ubyte"));
  const auto size = static_cast<unsigned>(images.size());
  std::string gzipped("\x1f\x8b\x08\0\0\0\0\0\0\x03\x01", 11);
  for (const unsigned length : {size, ~size}) {
    gzipped += static_cast<char>(length & 0xffu);
    gzipped += static_cast<char>(length >> 8 & 0xffu);
  }
  bench.write("set/train-images-idx3-ubyte", gzipped + images);
  const std::string axes = "sweep.axes=[{key=\"device.sigma\",values=[0.1,0.2]}]";
  const std::vector<std::vector<std::string>> commands{
      {"run"},
      {"train"},
      {"search", "--set", "search.images=32", "--set", "search.train_images=128", "--set",
       "methods.compensation.overhead_limit=1", "--set",
       "methods.compensation.overhead_limit_macs=100"},
      {"compare", "--set", "compare.methods=[\"plain\"]"},
      {"sweep", "--set", axes}};
  for (std::vector<std::string> words : commands) {
    CAPTURE(words[0]);
    words.insert(words.begin() + 1, {"~/tiny.toml", "-o", "~/out"});
    CHECK(bench.ohmic(words).status == lab::kFiles);
    words.emplace_back("--dry-run");
    const auto said = bench.ohmic(words);
    CHECK(said.status == lab::kDone);
    CHECK(says(said.out, "time      about "));
    if (words[0] == "run" || words[0] == "train")
      CHECK(says(said.out, "(no run on this machine has read these images yet)\n"));
  }
}

TEST_CASE("a dry run refuses files whose sizes or shapes are wrong, as the run does") {
  const Workbench bench("dry-files");
  const auto refuse = [&](const std::string& message, std::vector<std::string> settings) {
    std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/out"};
    for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
    check_refused(bench, words, lab::kFiles, message);
    words.emplace_back("--dry-run");
    check_refused(bench, words, lab::kFiles, message);
  };
  {
    h5::Writer out(bench.path("chip.h5"));
    out.write("/layers/conv1/programmed", {0, 2, 4, 9}, static_cast<const double*>(nullptr));
    out.commit();
  }
  refuse("~/chip.h5: /layers/conv1/programmed is 0 x 2 x 4 x 9: holds no reads",
         {"device={model=\"real_chip\", file=\"chip.h5\"}"});
  {
    h5::Writer out(bench.path("chip.h5"));
    const std::vector<double> cells(2 * 4 * 9, 1e-5);
    out.write("/layers/conv1/programmed", {2, 4, 9}, cells.data());
    out.attribute("/", "device", std::string("model = \"pcm_like\"\n"));
    out.commit();
  }
  refuse("~/chip.h5: /layers/conv1/state/...", {"device={model=\"real_chip\", file=\"chip.h5\"}"});
  const std::string images = read_whole_file(bench.path("set/t10k-images-idx3-ubyte"));
  bench.write("set/t10k-images-idx3-ubyte", images.substr(0, images.size() - 7));
  refuse(
      "~/set/t10k-images-idx3-ubyte: is truncated: 6393 bytes after its header, expected 6400 "
      "for 100 images",
      {});
  bench.write("set/t10k-images-idx3-ubyte", images + "more");
  refuse(
      "~/set/t10k-images-idx3-ubyte: is longer than its header says, expected 6400 for 100 "
      "images",
      {});
}

TEST_CASE("of many measured times twelve are drawn, the first and the last among them") {
  const Workbench bench("many-times");
  std::string table = "time_s,target_uS,mean_uS,std_uS\n";
  for (int time = 1; time <= 30; ++time)
    for (const char* row : {",0,1,0.5\n", ",40,38,2\n"}) table += std::to_string(time) + row;
  bench.write("m.csv", table);
  REQUIRE(bench.ohmic({"info", "--fit", "~/m.csv", "-o", "~/"}).status == lab::kDone);
  const std::string svg = read_whole_file(bench.path("fit.svg"));
  int drawn = 0;
  const std::string bar = ": 0, 1.00 (0.50 .. 1.50)<";
  for (auto at = svg.find(bar); at != svg.npos; at = svg.find(bar, at + 1)) ++drawn;
  CHECK(drawn == 12);
  CHECK(says(svg, ">data after " + human_time(1) + "<"));
  CHECK(says(svg, ">data after " + human_time(30) + "<"));
}

TEST_CASE("the voltage of a table of currents is a voltage") {
  const Workbench bench("volts");
  bench.write("m.csv", "target_uS,mean_uS,std_uS\n0,1,0.5\n40,38,2\n");
  for (const std::string volts : {"nan", "0", "inf", "-1", "101"})
    check_refused(bench, {"info", "--fit", "~/m.csv", "--read-voltage", volts, "-o", "~/x"},
                  lab::kUsage,
                  "--read-voltage " + volts + ": expected a voltage above 0 V, at most 100 V");
}

TEST_CASE("a dry run knows what is there from the digests of images that a run has read") {
  const Workbench bench("digests");
  const auto dry = [&] {
    return bench.ohmic({"run", "~/tiny.toml", "-o", "~/out", "--dry-run"}).out;
  };
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/trained"}).status == lab::kDone);
  CHECK(says(dry(), "training  none: the network is there\n"));
  // Kept digests are of the very files: others are not taken for them.
  const std::filesystem::path labels = bench.path("set/train-labels-idx1-ubyte");
  std::filesystem::last_write_time(
      labels, std::filesystem::last_write_time(labels) + std::chrono::seconds(1));
  CHECK(says(dry(), "training  2 epochs, about "));
  CHECK(says(dry(), "(no run on this machine has read these images yet)\n"));
  // Damaged ones are none.
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/again"}).status == lab::kDone);
  CHECK(says(dry(), "training  none: the network is there\n"));
  for (const auto& file : std::filesystem::directory_iterator(bench.path("cache/data")))
    std::ofstream(file.path(), std::ios::app) << "x";
  CHECK(says(dry(), "(no run on this machine has read these images yet)\n"));
}

TEST_CASE("quiet runs say nothing on the log, and results go to the output") {
  const Workbench bench("quiet");
  const auto said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/out", "--quiet"});
  CHECK(said.status == lab::kDone);
  CHECK(said.log == "");
  for (const char* words :
       {"hardware  device lognormal, sigma 0.3 on each weight, read noise 0.02 of g_max; "
        "differential "
        "tiles of 40 x 16; 8-bit DAC, 8-bit "
        "ADC",
        "accuracy of 3 chips on 100 test images (seed 3)", "5th percentile", "error budget",
        "float network", "converters only", "programming only", "mapping and levels only",
        "mean shift alone", "read noise only", "all together", "results in ~/out/results.h5"})
    CHECK_MESSAGE(says(said.out, words), words);
}

}  // namespace
}  // namespace ohmic
