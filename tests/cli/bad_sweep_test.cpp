#include "cli/refused.h"
#include "io/whole_file.h"

/// What a sweep refuses before it starts.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::kTinyConfig;
using testing::Said;
using testing::Workbench;

TEST_CASE("axes that cannot be swept are refused at their place, before anything is done") {
  const Workbench bench("bad-sweep");
  const auto refuse = [&](const std::string& sweep, const std::string& message) {
    CAPTURE(sweep);
    bench.write("s.toml", kTinyConfig + "[sweep]\n" + sweep + "\n");
    check_refused(bench, {"sweep", "~/s.toml", "-o", "~/s"}, lab::kUsage, message);
  };
  refuse("", "~/s.toml: sweep.axes is missing; say [sweep] axes = [ {...");
  refuse("axes = []", "~/s.toml: sweep.axes is missing; ...");
  refuse("axes = [ { key = \"device.sgima\", values = [1, 2] } ]",
         "~/s.toml:39:44: sweep.axes[0]: unknown key device.sgima (did you mean 'sigma'?)");
  refuse("axes = [ { key = \"adc.bits\" } ]",
         "~/s.toml:39:10: sweep.axes[0] has no values; say values = [...] or from and to");
  refuse("axes = [ { key = \"adc.bits\", values = [] } ]",
         "~/s.toml:39:10: sweep.axes[0] has no values");
  refuse("axes = [ { key = \"adc.bits\", values = [4, 4] } ]",
         "~/s.toml:39:10: sweep.axes[0] has the value 4 twice");
  refuse("axes = [ { key = \"adc.bits\", values = [8, 40] } ]",
         "~/s.toml:39:43: sweep.axes[0]: adc.bits = 40 is out of range (1 .. 16, or \"ideal\")");
  refuse("axes = [ { key = \"adc.bits\", values = [4] }, { key = \"adc.bits\", values = [5] } ]",
         "~/s.toml:39:46: sweep.axes[1]: adc.bits is an axis already");
  refuse(
      "axes = [ { key = \"methods.ridge.strength\", values = [1e-3, 1e-2] } ]",
      "~/s.toml:39:10: sweep.axes[0]: points 0 (methods.ridge.strength 0.001) and 1 "
      "(methods.ridge.strength 0.01) are the same experiment: an axis changes nothing there; zip "
      "axes that belong together");
  refuse(
      "axes = [ { key = \"method\", values = [\"plain\", \"rigde\"] } ]",
      "at method rigde of sweep.axes: method \"rigde\": there is no method 'rigde' (did you mean "
      "'ridge'?)");
  refuse("axes = [ { key = \"evaluation.images\", values = [50, 5000] } ]",
         "~/s.toml:39:53: sweep.axes[0]: evaluation.images = 5000, but there are only 100 test "
         "images");
  refuse("axes = [ { key = \"data.set\", values = [\"set\", \"nowhere\"] } ]",
         "~/s.toml:39:47: sweep.axes[0]: data.set = 'nowhere' is neither a known set ...");
  refuse("axes = [ { key = \"device.sigma\", from = 0, to = 1 } ]",
         "~/s.toml:39:10: sweep.axes[0] needs a step or a count");
  refuse(
      "sample = { kind = \"random\", points = 0 }\naxes = [ { key = \"device.sigma\", from = 0, "
      "to = 1 } ]",
      "~/s.toml:39:29: sweep.sample.points = 0 is out of range (1 .. 1000000)");
  refuse(
      "sample = { kind = \"sobol\" }\naxes = [ { key = \"device.sigma\", from = 0, to = 1 } ]",
      "~/s.toml:39:12: sweep.sample.kind = \"sobol\" is not one of grid, random, latin_hypercube");
  refuse(
      "until = { accuracy_ci_points = 0 }\naxes = [ { key = \"device.sigma\", values = [0.1] } ]",
      "~/s.toml:39:11: sweep.until.accuracy_ci_points = 0 is out of range (...");
  refuse(
      "measure = [\"speed\"]\naxes = [ { key = \"device.sigma\", values = [0.1] } ]",
      "~/s.toml:39:12: sweep.measure[0] = \"speed\" is not one of accuracy, error_budget, layers");
  refuse(
      "axes = [ { key = \"device.levels\", values = [2, 4] }, { key = \"array.mapping\", values = "
      "[\"differential\", \"offset\"] } ]",
      "~/s.toml:39:45: sweep.axes[0]: device.levels = 2 leaves the offset mapping no level beside "
      "that of weight 0; it needs 3 or more (at device.levels 2, array.mapping offset)");
  refuse(
      "axes = [ { key = \"device.sigma\", from = 0, to = 1, count = 2000 }, { key = \"seed\", from "
      "= 0, to = 1999, step = 1 } ]",
      "~/s.toml:39:10: sweep.axes[0]: sweep.axes span 4000000 points, more than 1000000");
}

TEST_CASE("a sweep refuses settings of its axes, wrong parts and other sweeps' folders") {
  const Workbench bench("bad-sweep-folder");
  const std::string config =
      kTinyConfig + "[sweep]\naxes = [ { key = \"device.sigma\", values = [0.1, 0.2] } ]\n";
  bench.write("s.toml", config);
  const auto refuse = [&](const std::vector<std::string>& more, const std::string& message,
                          int status = lab::kUsage) {
    std::vector<std::string> words{"sweep", "~/s.toml", "-o", "~/s"};
    words.insert(words.end(), more.begin(), more.end());
    check_refused(bench, words, status, message);
  };
  refuse({"--set", "device.sigma=0.3"},
         "--set device.sigma=0.3: device.sigma is an axis of the sweep; leave it out, or set "
         "sweep.axes");
  refuse({"--set", "device.sigma =0.3"},
         "--set device.sigma =0.3: device.sigma is an axis of the sweep; leave it out, or set "
         "sweep.axes");
  refuse({"--shard", "2/2"}, "--shard 2/2: expected i/n with i from 0 to n - 1, or none");
  refuse({"--points", "1..2"}, "--points 1..2: expected a..b within 0..1");
  refuse({"--points", "x"}, "--points x: expected a..b within 0..1");
  refuse({"--merge"}, "~/s: there are no points to merge yet");
  refuse({"--force", "--shard", "0/2"},
         "--force replaces a whole sweep; it goes with neither --shard nor --points");
  check_refused(bench, {"sweep", "~/s.toml", "-o", "~/s.toml/below"}, lab::kFiles,
                "~/s.toml/below: the output folder cannot be made: Not a directory");
  check_refused(bench, {"sweep"}, lab::kUsage,
                "sweep needs a config, or --status DIR; see `ohmic sweep --help`");
  check_refused(bench, {"sweep", "--status", "~/nowhere"}, lab::kFiles,
                "~/nowhere/points.csv: no such file");

  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == 0);
  const std::string results = read_whole_file(bench.path("s/results.h5"));
  refuse({"--set", "adc.bits=4"},
         "~/s/config.toml is that of another sweep; choose another folder with -o, or replace it "
         "with --force");
  check_refused(bench, {"run", "~/s.toml", "-o", "~/s"}, lab::kUsage,
                "~/s/results.h5 holds the results of another command (sweep); ...");
  // Other images under the same name are other points.
  bench.write_set("set", testing::TinyImages(320, 8), testing::TinyImages(100, 9));
  refuse(
      {},
      "~/s/points.csv lists points of another data set, other files or another version of Ohmic; "
      "choose another folder with -o, or replace it with --force");
  CHECK(read_whole_file(bench.path("s/results.h5")) == results);
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--force"}).status == 0);
  CHECK(read_whole_file(bench.path("s/results.h5")) != results);
  CHECK_FALSE(bench.has("s/points.old"));
}

TEST_CASE("a dry run of a sweep says points, trainings, time and disk, and does nothing") {
  const Workbench bench("dry-sweep");
  bench.write("s.toml", kTinyConfig +
                            "[sweep]\naxes = [ { key = \"training.epochs\", values = [1, "
                            "2] }, { key = \"adc.bits\", from = 4, to = 6, step = 1 } ]\n");
  const std::vector<std::string> before = bench.listing();
  const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--dry-run"});
  CHECK(said.status == 0);
  CHECK(said.out.find("     5  training.epochs 2, adc.bits 6\n") != std::string::npos);
  CHECK(said.out.find("6 points, 2 trainings (0 there already)\n") != std::string::npos);
  CHECK(said.out.find("\ntime      about ") != std::string::npos);
  CHECK(said.out.find("\ndisk      about 0.1 MB in ~/s\n") != std::string::npos);
  CHECK(bench.listing() == before);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--points", "0..1"}).status == 0);
  const Said rest = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--dry-run", "--shard", "0/2"});
  CHECK(rest.out.starts_with("     2  training.epochs 1, adc.bits 6\n     4  "));
  CHECK(rest.out.find("2 points to measure of 3 points, 2 trainings (1 there already)\n") !=
        std::string::npos);
}

}  // namespace
}  // namespace ohmic
