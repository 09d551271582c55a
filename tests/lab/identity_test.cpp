#include <doctest/doctest.h>

#include "base/h5.h"
#include "base/whole_file.h"
#include "lab/experiment.h"
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

TEST_CASE("points of comparisons that were measured before stay those of their configs") {
  const std::filesystem::path file = OHMIC_GOLDEN "/configs/compare_6cf6934.toml";
  CHECK(lab::resolved_config(lab::read_experiment(file, {}), "compare") == read_whole_file(file));
}

TEST_CASE("a cached training without monitors is made again where results tell of its epochs") {
  const Workbench bench("unmonitored");
  REQUIRE(bench.ohmic(run("out")).status == lab::kDone);
  int stripped = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bench.path("cache"))) {
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
                "~/out/results.h5 holds the results of another data set, checkpoint or ...");
}

TEST_CASE("a trained network is kept as it was trained, the optimiser with it") {
  const Workbench bench("unfolded");
  bench.write("bn.toml",
              std::string(testing::kTinyConfig)
                  .replace(testing::kTinyConfig.find("[[network.layers]]\ntype = \"relu\""), 0,
                           "[[network.layers]]\ntype = \"batch_norm\"\n"));
  REQUIRE(bench.ohmic({"train", "~/bn.toml", "-o", "~/trained"}).status == lab::kDone);
  const nn::Checkpoint kept = nn::load_checkpoint(bench.path("trained/network.h5"));
  CHECK(kept.network.type(1) == "batch_norm");
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
