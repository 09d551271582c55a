#include <doctest/doctest.h>

#include <chrono>
#include <cmath>

#include "io/h5.h"
#include "lab/experiment/identity.h"
#include "nn/layer_mac.h"
#include "refused.h"
#include "workbench.h"

/// What users set and expect: loops that say how they ended, dry runs, folders, words.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Said;
using testing::Workbench;

Said run(const Workbench& bench, const std::string& out, const std::vector<std::string>& settings,
         const std::string& command = "run") {
  std::vector<std::string> words{command, "~/tiny.toml", "-o", "~/" + out};
  for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
  return bench.ohmic(words);
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != text.npos;
}

const std::string kVerified =
    "device={model = \"gaussian\", sigma = 0.2, programming = \"write_verify\", "
    "verify_tolerance_uS = 0.5, verify_pulse_limit = 3}";

}  // namespace

TEST_CASE("a verifying loop says how it ended, layer by layer, on screen and in the file") {
  const Workbench bench("loops");
  const Said said = run(bench, "out", {kVerified});
  REQUIRE(said.status == lab::kDone);
  const h5::Reader in(bench.path("out/results.h5"));
  const auto within = in.integers("/layers/cells_within_tolerance").values,
             gave_up = in.integers("/layers/cells_gave_up").values,
             cells = in.integers("/layers/cells").values;
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(within[k] + gave_up[k] == cells[k]);
    // Tolerance .5 of a deviation of 8 uS: a pulse passes with p = .05 above g_min, so .857 give up
    // after three; a target of g_min is met by every error below it, so .107 give up. One device of
    // a pair is at g_min: .48 in the mean, 5 sigma of 216 cells and more.
    CHECK(std::abs(static_cast<double>(gave_up[k]) / static_cast<double>(cells[k]) - 0.48) <
          5 * std::sqrt(0.25 / static_cast<double>(cells[k])));
  }
  CHECK(says(said.out,
             "gave up at the pulse limit (conv1 " + std::to_string(gave_up[0]) + " of 216"));
  const Said easy = run(bench, "easy", {kVerified, "device.verify_tolerance_uS=100"});
  CHECK(says(easy.out, "cells within tolerance, none gave up"));
}

TEST_CASE("cells that answer no pulse pass a verifying loop only where they are near the target") {
  const Workbench bench("broken-loops");
  bench.write_matrix("w.npy", 30, 40, 1);
  bench.write_matrix("x.npy", 5, 40, 2);
  const Said said = bench.ohmic({"mvm",
                                 "--weights",
                                 "~/w.npy",
                                 "--inputs",
                                 "~/x.npy",
                                 "-o",
                                 "~/y.h5",
                                 "--dump",
                                 "~/d.h5",
                                 "--chips",
                                 "2",
                                 "--set",
                                 kVerified,
                                 "--set",
                                 "device.verify_tolerance_uS=2",
                                 "--set",
                                 "device.verify_pulse_limit=40",
                                 "--set",
                                 "faults.stuck_at_g_max=0.2",
                                 "--set",
                                 "faults.stuck_at_g_min=0.2",
                                 "--set",
                                 "faults.dead_columns=0.1"});
  REQUIRE_MESSAGE(said.status == lab::kDone, said.log);
  const h5::Reader dump(bench.path("d.h5"));
  const auto target = dump.doubles("/target").values, now = dump.doubles("/aged").values,
             pulses = dump.doubles("/state/pulses").values,
             gave_up = dump.doubles("/state/gave_up").values;
  constexpr double kMax = 40e-6, kMin = 0.4e-6, kTolerance = 2e-6, kRounding = 1e-11;
  std::int64_t stuck_passed = 0, stuck_failed = 0, all_failed = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    all_failed += gave_up[i] != 0;
    // What the loop says is what a look at the cell says: no drift here.
    CHECK((std::fabs(now[i] - target[i]) > kTolerance) == (gave_up[i] != 0));
    const auto is_at = [&](double g) { return std::fabs(now[i] - g) < kRounding; };
    if (!is_at(kMax) && !is_at(kMin) && !is_at(0)) continue;
    const bool passes = gave_up[i] == 0;
    (passes ? stuck_passed : stuck_failed) += 1;
    if (!passes) CHECK(pulses[i] == 40);
  }
  CHECK(stuck_passed > 100);
  CHECK(stuck_failed > 1000);
  const h5::Reader file(bench.path("y.h5"));
  CHECK(file.integers("/cells_gave_up").values == std::vector<std::int64_t>{all_failed});
  CHECK(file.integers("/cells_within_tolerance").values ==
        std::vector<std::int64_t>{static_cast<std::int64_t>(now.size()) - all_failed});
  CHECK(says(said.out, " cells within tolerance, " + std::to_string(all_failed / 1000) + ","));
}

TEST_CASE("sweeps and comparisons say how verifying loops ended, point by point") {
  const Workbench bench("point-loops");
  bench.write("tiny.toml", testing::kTinyConfig +
                               "[compare]\nmethods = [\"plain\"]\naxes = [ { key = "
                               "\"device.verify_tolerance_uS\", values = [0.5, 1e3] } ]\n"
                               "[sweep]\naxes = [ { key = \"device.verify_tolerance_uS\", "
                               "values = [0.5, 1e3] } ]\n");
  const Said alone = run(bench, "run", {kVerified});
  REQUIRE(alone.status == lab::kDone);
  const auto sum = [&](const std::string& name) {
    std::int64_t total = 0;
    for (const std::int64_t n : h5::Reader(bench.path("run/results.h5")).integers(name).values)
      total += n;
    return total;
  };
  const std::int64_t gave_up = sum("/layers/cells_gave_up"), cells = sum("/layers/cells");
  for (const std::string command : {"sweep", "compare"}) {
    const Said said = run(bench, command,
                          {"device={model = \"gaussian\", sigma = 0.2, programming "
                           "= \"write_verify\", verify_pulse_limit = 3}"},
                          command);
    REQUIRE_MESSAGE(said.status == lab::kDone, said.log);
    const std::string place = command == "sweep" ? "" : "/methods/plain";
    const h5::Reader file(bench.path(command + "/results.h5"));
    CHECK(file.integers(place + "/cells_gave_up").values == std::vector<std::int64_t>{gave_up, 0});
    CHECK(file.integers(place + "/cells_within_tolerance").values ==
          std::vector<std::int64_t>{cells - gave_up, cells});
    CHECK(says(said.out, " gave up at the pulse limit (most: " + std::to_string(gave_up) + " of "));
  }
}

TEST_CASE("the hardware line names what was set: levels, verification, faults, fractions") {
  const Workbench bench("line");
  const Said said = run(bench, "out",
                        {kVerified, "device.levels=16", "device.read_noise=0.02",
                         "device.read_noise_of=g", "faults.stuck_at_g_min=0.01"});
  CHECK(says(said.out,
             "hardware  device gaussian, sigma 0.2 of g_max, 16 levels, read noise 0.02 of g, "
             "verified, to (uS) 0.5, pulses at most 3; faults at g_min 1 %; differential tiles"));
}

TEST_CASE("info finds a method by its bare name") {
  const Workbench bench("info");
  const Said said = bench.ohmic({"info", "injection"});
  CHECK(said.status == lab::kDone);
  CHECK(says(said.out, "methods.injection.sigma_low"));
  check_refused(bench, {"info", "injektion"}, lab::kUsage,
                "info injektion: no such key, table or device (did you mean 'injection'?)");
}

TEST_CASE("a sweep over a value needs none in the base") {
  const Workbench bench("no-base");
  bench.write("s.toml", testing::kTinyConfig + R"([faults]
stuck_at_given = 0.02
[sweep]
axes = [ { key = "faults.stuck_uS", values = [0.0, 80.0] } ]
)");
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == lab::kDone);
  check_refused(bench, {"run", "~/s.toml", "-o", "~/r"}, lab::kUsage,
                "~/s.toml:39:1: faults.stuck_at_given = 0.02 needs faults.stuck_uS...");
}

TEST_CASE("every command makes the folder that its output names") {
  const Workbench bench("new-folder");
  bench.write_matrix("w.npy", 3, 4, 1);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy",
                                              "-o", "~/a/b/y.npy", "--dump", "~/c/d/cells.h5"},
                                             {"run", "~/tiny.toml", "-o", "~/e/f"},
                                             {"train", "~/tiny.toml", "-o", "~/g/h"},
                                             {"report", "~/e/f", "-o", "~/i/j/report.html"},
                                             {"info", "pcm_like", "--plot", "-o", "~/k/l"}}) {
    const Said said = bench.ohmic(words);
    CHECK_MESSAGE(said.status == lab::kDone, words.front() << ": " << said.log);
  }
  for (const char* made :
       {"a/b/y.npy", "c/d/cells.h5", "e/f/results.h5", "g/h/network.h5", "i/j/report.html", "k/l"})
    CHECK_MESSAGE(bench.has(made), made);
}

TEST_CASE("a dry run computes from shapes, and what is beyond the machine is refused at once") {
  const Workbench bench("huge");
  bench.write("huge.toml",
              "[data]\nset = \"set\"\n[network]\nmodel = \"mlp\"\nhidden = [200000, "
              "200000]\n[search]\nlayers = [\"fc1\"]\n[methods.compensation]\nlayers = "
              "[\"fc1\"]\nratios = [0.001]\noverhead_limit = 10.0\noverhead_limit_macs = 100.0\n");
  const auto start = std::chrono::steady_clock::now();
  for (const std::string command : {"run", "train", "compare"}) {
    const Said said = bench.ohmic({command, "~/huge.toml", "-o", "~/out", "--dry-run"});
    CHECK_MESSAGE(said.status == lab::kDone, command << said.log);
    CHECK(says(said.out, ": more than this machine's "));
    CHECK(says(said.out, "\ntime      about "));
    CHECK(says(said.out, "\ndisk      about "));
    check_refused(bench, {command, "~/huge.toml", "-o", "~/out"}, lab::kUsage,
                  "~/huge.toml: this takes about ...");
  }
  // Not a timing: the network alone has 160 GB of weights.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

TEST_CASE("the float network is measured on the images that chips are measured on") {
  const Workbench bench("same-images");
  REQUIRE(run(bench, "a", {"evaluation.images=50"}).status == lab::kDone);
  REQUIRE(run(bench, "b", {"data.test_images=50"}).status == lab::kDone);
  const auto clean = [&](const std::string& file, const std::string& path) {
    return h5::Reader(bench.path(file)).doubles(path).values;
  };
  CHECK(clean("a/results.h5", "/chips/float_accuracy") ==
        clean("b/results.h5", "/chips/float_accuracy"));
  bench.write("tiny.toml", testing::kTinyConfig + "[compare]\nmethods = [\"plain\"]\n");
  REQUIRE(run(bench, "c", {"evaluation.images=50"}, "compare").status == lab::kDone);
  CHECK(clean("c/results.h5", "/methods/plain/clean_accuracy") ==
        clean("a/results.h5", "/chips/float_accuracy"));
}

TEST_CASE("layers and overrides whose names have dots take --set and axes without quotes") {
  const Workbench bench("dots");
  std::string config = testing::kTinyConfig;
  config.replace(config.find("\"conv1\""), 7, "\"features.0\"");
  bench.write("tiny.toml", config + R"([[override]]
name = "front.end"
layers = ["features.0"]
adc.bits = 8
[sweep]
axes = [ { key = "network.layers.features.0.filters", values = [3, 5] },
         { key = "override.front.end.adc.bits", values = [4, 5] } ]
)");
  const auto read = [&](const std::vector<std::string>& settings) {
    return lab::read_experiment(bench.path("tiny.toml"), settings);
  };
  const lab::Experiment plain = read({"network.layers.features.0.filters=8"});
  CHECK(plain.network.layers.front().parameters<nn::MacParams>().outputs == 8);
  CHECK(read({"override.front.end.adc.bits=6"}).overrides.front().hardware.adc.bits == 6);
  CHECK(lab::resolved_config(plain, "run") ==
        lab::resolved_config(read({"network.layers.\"features.0\".filters=8"}), "run"));
  const Said said = bench.ohmic({"sweep", "~/tiny.toml", "-o", "~/s"});
  CAPTURE(said.log);
  REQUIRE(said.status == lab::kDone);
  CHECK(h5::Reader(bench.path("s/results.h5")).integers("/status").values.size() == 4);
  check_refused(
      bench,
      {"sweep", "~/tiny.toml", "-o", "~/t", "--set", "network.layers.\"features.0\".filters=8"},
      lab::kUsage,
      "--set network.layers.\"features.0\".filters=8: network.layers.features.0.filters is "
      "an axis of the sweep; leave it out, or set sweep.axes");
  check_refused(
      bench, {"run", "~/tiny.toml", "-o", "~/r", "--set", "network.layers.features.1.filters=8"},
      lab::kUsage,
      "--set network.layers.features.1.filters=8: network.layers has no element of name or "
      "index 'features.1' (did you mean 'features.0'?)");
}

}  // namespace ohmic
