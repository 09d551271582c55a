#include <doctest/doctest.h>

#include <set>

#include "io/h5.h"
#include "io/whole_file.h"
#include "lab/results/results.h"
#include "nn/checkpoint.h"
#include "refused.h"
#include "same_results.h"
#include "workbench.h"

/// When results are those of the same question, and what a layer's hardware and name may be.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Workbench;

std::vector<std::string> run(const std::string& out,
                             const std::vector<std::string>& settings = {}) {
  std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/" + out};
  for (const std::string& setting : settings) {
    words.push_back("--set");
    words.push_back(setting);
  }
  return words;
}

}  // namespace

TEST_CASE("tables that a run does not read are no part of its results' identity") {
  const Workbench bench("identity");
  REQUIRE(bench.ohmic(run("out")).status == lab::kDone);
  for (const char* setting : {"search.epochs=5", "compare.methods=[\"ridge\"]",
                              "methods.injection.sigma=0.2", "threads=2"}) {
    const auto said = bench.ohmic(run("out", {setting}));
    CHECK(said.status == lab::kDone);
    CHECK(said.out.find("is done already") != std::string::npos);
  }
  // With a method its options count.
  REQUIRE(bench.ohmic(run("noisy", {"method=injection"})).status == lab::kDone);
  check_refused(bench, run("noisy", {"method=injection", "methods.injection.sigma=0.2"}),
                lab::kUsage, "~/noisy/results.h5 holds the results of another config; ...");
}

TEST_CASE("a cached training without monitors is made again where results tell of its epochs") {
  const Workbench bench("unmonitored");
  REQUIRE(bench.ohmic(run("out")).status == lab::kDone);
  int stripped = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bench.path("cache"))) {
    if (!entry.is_regular_file()) continue;
    nn::Checkpoint kept = nn::load_checkpoint(entry.path());
    REQUIRE(kept.state.course.monitors.size() == 2);
    kept.state.course.monitors.clear();
    nn::save_checkpoint(entry.path(), kept.network, kept.state, kept.digest);
    ++stripped;
  }
  REQUIRE(stripped == 1);
  CHECK(bench.ohmic(run("again")).out.find("trained 2 epochs") != std::string::npos);
  CHECK(testing::first_difference(bench.path("out/results.h5"), bench.path("again/results.h5")) ==
        "");
}

TEST_CASE("another checkpoint or data set under the same name is another question") {
  const Workbench bench("inputs");
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/a"}).status == lab::kDone);
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/b", "--set", "training.seed=2"}).status ==
          lab::kDone);
  bench.write("net.h5", read_whole_file(bench.path("a/network.h5")));
  REQUIRE(bench.ohmic(run("out", {"network.file=net.h5"})).status == lab::kDone);
  CHECK(bench.ohmic(run("out", {"network.file=net.h5"})).status == lab::kDone);
  bench.write("net.h5", read_whole_file(bench.path("b/network.h5")));
  check_refused(bench, run("out", {"network.file=net.h5"}), lab::kUsage,
                "~/out/results.h5 holds the results of another data set or input file, ...");
}

namespace {

const std::string kDrifting = std::string(testing::kTinyConfig)
                                  .replace(testing::kTinyConfig.find("[device]"), std::string::npos,
                                           R"([device]
model = "pcm_like"
[evaluation]
budget_images = 0
error_images = 0
calibration_images = 80
[methods.injection]
variation = "device"
[methods.compensation]
variation = "device"
layers = ["conv1"]
ratios = [1.0]
epochs = 1
overhead_limit = 1.0
overhead_limit_macs = 100.0
)");

bool was_trained(const testing::Said& said) { return said.out.find("; trained ") != said.out.npos; }

/// What `accuracy` holds at the path.
std::vector<double> numbers(const Workbench& bench, const std::string& file,
                            const std::string& path) {
  return h5::Reader(bench.path(file)).doubles(path).values;
}

}  // namespace

TEST_CASE("a training for a device is that of its own time: base and compensators, run and sweep") {
  const Workbench bench("age");
  bench.write("tiny.toml", kDrifting);
  for (const std::string method : {"injection", "compensation"}) {
    CAPTURE(method);
    CHECK(was_trained(bench.ohmic(run(method + "-young", {"method=" + method}))));
    CHECK(was_trained(bench.ohmic(run(method + "-old", {"method=" + method, "time.at_s=1e8"}))));
    CHECK(!was_trained(bench.ohmic(run(method + "-again", {"method=" + method}))));
  }
  // The points of a sweep have the float networks of single runs.
  bench.write("sweep.toml",
              "method = \"injection\"\n" + kDrifting +
                  "[sweep]\naxes = [ { key = \"time.at_s\", values = [0.0, 1e8] } ]\n");
  REQUIRE(bench.ohmic({"sweep", "~/sweep.toml", "-o", "~/sweep", "--no-cache"}).status ==
          lab::kDone);
  const auto clean = numbers(bench, "sweep/results.h5", "/float_accuracy");
  CHECK(clean[0] == numbers(bench, "injection-young/results.h5", "/chips/float_accuracy")[0]);
  CHECK(clean[1] == numbers(bench, "injection-old/results.h5", "/chips/float_accuracy")[0]);
  CHECK(numbers(bench, "sweep/results.h5", "/accuracy")[0] ==
        numbers(bench, "injection-young/results.h5", "/chips/accuracy")[0]);
}

TEST_CASE("a comparison keeps no point of another training age, and --force clears what it kept") {
  const Workbench bench("points-age");
  bench.write("c.toml", kDrifting +
                            "[compare]\nmethods = [\"injection\"]\naxes = [ { key = "
                            "\"time.at_s\", values = [10.0] } ]\n");
  const auto compare = [&](const std::string& out, const std::string& age,
                           std::vector<std::string> more = {}) {
    std::vector<std::string> words{"compare",  "~/c.toml", "-o",
                                   "~/" + out, "--set",    "time.at_s=" + age};
    words.insert(words.end(), more.begin(), more.end());
    return bench.ohmic(words);
  };
  REQUIRE(compare("a", "0").status == lab::kDone);
  check_refused(bench, {"compare", "~/c.toml", "-o", "~/a", "--set", "time.at_s=1e8"}, lab::kUsage,
                "~/a/config.toml is that of another comparison; ...");
  REQUIRE(compare("a", "1e8", {"--force", "--no-cache"}).status == lab::kDone);
  REQUIRE(compare("b", "1e8").status == lab::kDone);
  CHECK(testing::first_difference(bench.path("a/results.h5"), bench.path("b/results.h5")) == "");
  const auto points = [&](const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(bench.path(folder + "/points")))
      names.insert(entry.path().filename().string());
    return names;
  };
  CHECK(points("a") == points("b"));  // nothing of the first age is left
}

TEST_CASE("a measurement that is edited under its name is another question and another training") {
  const Workbench bench("edited");
  const auto table = [&](const char* spread) {
    bench.write("m.csv", std::string("target_uS,mean_uS,std_uS\n0,1,") + spread + "\n40,38," +
                             spread + "\n");
  };
  table("0.5");
  bench.write("tiny.toml",
              std::string(kDrifting).replace(kDrifting.find("model = \"pcm_like\""), 18,
                                             "model = \"measured\"\ng_min_uS = 0\nfile = "
                                             "\"m.csv\""));
  const std::vector<std::string> injection{"method=injection"};
  REQUIRE(bench.ohmic(run("out", injection)).status == lab::kDone);
  table("9.0");
  check_refused(bench, run("out", injection), lab::kUsage,
                "~/out/results.h5 holds the results of another data set or input file, ...");
  CHECK(was_trained(bench.ohmic(run("other", injection))));
  table("0.5");
  CHECK(bench.ohmic(run("out", injection)).out.find("is done already") != std::string::npos);
}

TEST_CASE("jump tables and output tables of overrides that are edited are another question") {
  const Workbench bench("edited-tables");
  const auto jumps = [&](const char* step) {
    std::string text = "level_uS,direction,step_uS\n";
    for (int i = 0; i < 5; ++i) text += std::string("1,set,") + step + "\n1,reset,-" + step + "\n";
    bench.write("j.csv", text);
  };
  const std::vector<std::string> verified{"device.programming=write_verify",
                                          "device.verify_pulse=jump_table",
                                          "device.verify_file=j.csv", "device.variation_on=device"};
  jumps("0.5");
  REQUIRE(bench.ohmic(run("jumps", verified)).status == lab::kDone);
  jumps("0.7");
  check_refused(bench, run("jumps", verified), lab::kUsage,
                "~/jumps/results.h5 holds the results of another data set or input file, ...");

  const auto codes = [&](const char* sigma) {
    std::string text;
    for (int code = -7; code <= 7; ++code)
      text += std::to_string(code) + "," + std::to_string(code) + "," + sigma + "\n";
    bench.write("o.csv", text);
  };
  bench.write("tiny.toml", testing::kTinyConfig + R"(
[[override]]
layers = ["fc1"]
device.model = "ideal"
adc.bits = 4
adc.output_table = "o.csv"
)");
  codes("0");
  REQUIRE(bench.ohmic(run("codes")).status == lab::kDone);
  codes("0.5");
  check_refused(bench, run("codes"), lab::kUsage,
                "~/codes/results.h5 holds the results of another data set or input file, ...");
}

TEST_CASE("results of another version or of other random numbers are of another question") {
  const Workbench bench("versions");
  const lab::Experiment e = lab::read_experiment(bench.path("tiny.toml"), {});
  lab::InputFiles files;
  const lab::ResultsIdentity mine = lab::identity_of(e, "run", "data", files);
  const auto with_header = [&](const char* version, std::int64_t rng, std::int64_t schema) {
    h5::Writer out(bench.path("header.h5"));
    out.attribute("/", "schema_version", schema);
    out.attribute("/", "rng_version", rng);
    out.attribute("/", "ohmic_version", std::string(version));
    out.attribute("/", "command", mine.command);
    out.attribute("/", "config", mine.config);
    out.attribute("/", "identity", std::string("another"));
    out.attribute("/", "inputs_digest", std::string("another"));
    out.commit();
    try {
      lab::check_existing(bench.path("header.h5"), mine, false);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(with_header("0.1.0", 2, 2)
            .find("another version (Ohmic 0.1.0, rng_version 2, schema 2; this is") !=
        std::string::npos);
  CHECK(with_header(OHMIC_VERSION, kRngVersion - 1, lab::kSchemaVersion).find("another version") !=
        std::string::npos);
  CHECK(with_header(OHMIC_VERSION, kRngVersion, lab::kSchemaVersion)
            .find("another data set or input file") != std::string::npos);
}

TEST_CASE(
    "--force trains anew what was kept beside the results, and drops chips of other configs") {
  const Workbench bench("forced");
  const auto words = [&](std::vector<std::string> more) {
    std::vector<std::string> all = run("out");
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  REQUIRE(bench.ohmic(words({"--no-cache", "--dump-chip", "0"})).status == lab::kDone);
  CHECK(!was_trained(bench.ohmic(words({"--no-cache", "--set", "chips=2", "--set", "seed=9"}))));
  CHECK(was_trained(bench.ohmic(words({"--no-cache", "--force", "--set", "seed=9"}))));
  CHECK(!bench.has("out/chip_0.h5"));
  REQUIRE(bench.ohmic(words({"--no-cache", "--set", "seed=9", "--dump-chip", "0"})).status ==
          lab::kDone);
  CHECK(bench.has("out/chip_0.h5"));
}

TEST_CASE("what a training does not read trains nothing anew") {
  const Workbench bench("unread");
  bench.write("tiny.toml", kDrifting);
  REQUIRE(was_trained(bench.ohmic(run("first", {"method=injection"}))));
  for (const char* setting :
       {"adc.bits=6", "dac.range=percentile", "array.subtraction=digital", "array.rows=20",
        "seed=5", "chips=2", "evaluation.images=50", "methods.injection.sigma=0.1",
        "data.test_images=50", "time.drift_compensation=global", "device.telegraph_share=0.1"}) {
    CAPTURE(setting);
    CHECK(!was_trained(bench.ohmic(run(setting, {"method=injection", setting}))));
  }
  for (const char* setting : {"device.levels=8", "array.mapping=offset", "array.scale=column",
                              "faults.stuck_at_g_min=0.1", "array.scale_percentile=0.9"}) {
    CAPTURE(setting);
    CHECK(was_trained(bench.ohmic(run(setting, {"method=injection", setting}))));
  }
}

TEST_CASE("a trained network is kept as it was trained, the optimiser with it") {
  const Workbench bench("unfolded");
  bench.write("bn.toml",
              std::string(testing::kTinyConfig)
                  .replace(testing::kTinyConfig.find("[[network.layers]]\ntype = \"relu\""), 0,
                           "[[network.layers]]\ntype = \"batch_norm\"\n"));
  REQUIRE(bench.ohmic({"train", "~/bn.toml", "-o", "~/trained"}).status == lab::kDone);
  const nn::Checkpoint kept = nn::load_checkpoint(bench.path("trained/network.h5"));
  CHECK(kept.network.structure(1).batch_norm.has_value());
  CHECK(kept.state.step > 0);
  CHECK(kept.state.optimiser.moments.size() == 2);
}

TEST_CASE("a later override leaves what it does not say: a digital layer stays digital") {
  const Workbench bench("override");
  bench.write("tiny.toml", testing::kTinyConfig + R"(
[[override]]
layers = ["conv1", "fc1"]
analog = false
[[override]]
layers = ["conv1"]
adc.bits = 6
)");
  REQUIRE(bench.ohmic(run("out")).status == lab::kDone);
  const h5::Reader results(bench.path("out/results.h5"));
  for (const std::int64_t tiles : results.integers("/layers/tiles").values) CHECK(tiles == 0);
}

TEST_CASE("layers may have any legal name, those of the results' own data sets too") {
  const Workbench bench("names");
  for (const char* name : {"tiles", "name", "macs"}) {
    std::string config = testing::kTinyConfig;
    config.replace(config.find("conv1"), 5, name);
    bench.write("tiny.toml", config);
    REQUIRE(bench.ohmic(run(name)).status == lab::kDone);
    const h5::Reader results(bench.path(std::string(name) + "/results.h5"));
    CHECK(results.has("/tiles/" + std::string(name) + "/saturation"));
  }
}

TEST_CASE("cells at their bounds are counted in the results") {
  const Workbench bench("bounds");
  REQUIRE(bench.ohmic(run("out", {"array.mapping=offset", "device.sigma=0.5"})).status ==
          lab::kDone);
  const h5::Reader results(bench.path("out/results.h5"));
  const auto cells = results.integers("/layers/cells").values;
  CHECK(cells == std::vector<std::int64_t>{3 * 4 * 9, 3 * 3 * 64});
  CHECK(results.integers("/layers/cells_above_g_max").values[1] > 0);
  CHECK(results.integers("/layers/cells_cut_at_zero").values[1] > 0);
}

TEST_CASE("conductances beyond single precision are refused, not turned into NaN") {
  const Workbench bench("finite");
  check_refused(bench, run("out", {"device.g_max_uS=1e45"}), lab::kUsage,
                "--set device.g_max_uS=1e45: device.g_max_uS = 1e+45 is out of range (1e-06 .. "
                "1000000)");
  const auto said = bench.ohmic(run(
      "out", {"device.read_noise=10", "device.read_noise_of=inverse", "device.g_min_uS=1e-30"}));
  CHECK(said.status == lab::kUsage);
  CHECK(said.log.find("outputs are not finite") != std::string::npos);
  CHECK_FALSE(bench.has("out"));
}

TEST_CASE("more columns than read noise can tell apart are refused with the layer") {
  const Workbench bench("positions");
  bench.write_matrix("w.npy", 70000, 2, 1);
  bench.write_matrix("x.npy", 1, 2, 2);
  check_refused(bench,
                {"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o", "~/y.npy", "--set",
                 "device.read_noise=0.1", "--set", "device.read_noise_of=g_max"},
                lab::kUsage,
                "layer W: 70000 read columns with noise, more than the 65536 that random addresses "
                "can tell apart");
}

}  // namespace ohmic
