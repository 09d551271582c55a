#include <doctest/doctest.h>

#include <cmath>

#include "cli/refused.h"
#include "cli/same_results.h"
#include "devices/catalogue.h"
#include "io/h5.h"
#include "lab/experiment/experiment.h"

using namespace ohmic;
using namespace ohmic::testing;

namespace {

/// The tiny config on a device that ages, with faults.
std::string ageing_config() {
  std::string text = kTinyConfig;
  const std::string from =
      text.substr(text.find("[device]"), text.find("[array]") - text.find("[device]"));
  text.replace(text.find(from), from.size(),
               "[device]\nmodel = \"pcm_like\"\n[faults]\nstuck_at_g_max = 0.02\n");
  return text;
}

std::vector<double> numbers(const Workbench& bench, const std::string& file,
                            const std::string& path) {
  return h5::Reader(bench.path(file)).doubles(path).values;
}

}  // namespace

TEST_CASE("a dumped chip that is read back gives the same results bit for bit, aged as well") {
  const Workbench bench("dump-chip");
  bench.write("c.toml", ageing_config() + "[time]\nat_s = 3600\nretention_s = [10, 1e6]\n");
  const Said first = bench.ohmic({"run", "~/c.toml", "-o", "~/a", "--dump-chip", "2"});
  CAPTURE(first.log);
  REQUIRE(first.status == 0);
  const Said second =
      bench.ohmic({"run", "~/c.toml", "-o", "~/b", "--set",
                   "device={model=\"real_chip\",file=\"~/a/chip_2.h5\",g_min_uS=0,g_max_uS=25}",
                   "--set", "faults={}", "--set", "chips=1"});
  CAPTURE(second.log);
  REQUIRE(second.status == 0);
  const auto a = numbers(bench, "a/results.h5", "/chips/loss_all"),
             b = numbers(bench, "b/results.h5", "/chips/loss_all");
  CHECK(a[2] == b[0]);
  CHECK(a[1] != b[0]);
  const auto ra = numbers(bench, "a/results.h5", "/retention/accuracy"),
             rb = numbers(bench, "b/results.h5", "/retention/accuracy");
  CHECK(ra[2] == rb[0]);
  CHECK(ra[5] == rb[1]);
  check_refused(bench, {"run", "~/c.toml", "-o", "~/c", "--dump-chip", "3"}, 2,
                "--dump-chip 3: there are chips 0 .. 2");
}

TEST_CASE("faults and drift have lines of their own in the budget, and are counted") {
  const Workbench bench("fault-lines");
  bench.write("c.toml", ageing_config() + "[time]\nat_s = 86400\n");
  REQUIRE(bench.ohmic({"run", "~/c.toml", "-o", "~/a"}).status == 0);
  const h5::Reader in(bench.path("a/results.h5"));
  for (const char* line : {"float", "mapping", "converters", "programming", "drift", "mean_shift",
                           "faults", "read_noise", "all"})
    CHECK(in.doubles(std::string("/error_budget/") + line).values.size() == 3);
  const auto cells = in.integers("/layers/cells").values,
             broken = in.integers("/layers/cells_broken").values;
  double all = 0, found = 0;
  for (std::size_t k = 0; k < cells.size(); ++k) {
    all += static_cast<double>(cells[k]);
    found += static_cast<double>(broken[k]);
  }
  // 5 sigma of a binomial distribution: a false alarm below 6e-7.
  CHECK(std::fabs(found - 0.02 * all) <= 5 * std::sqrt(0.02 * 0.98 * all));
  REQUIRE(bench.ohmic({"run", "~/tiny.toml", "-o", "~/b"}).status == 0);
  CHECK(!h5::Reader(bench.path("b/results.h5")).has("/error_budget/faults"));
  CHECK(!h5::Reader(bench.path("b/results.h5")).has("/error_budget/drift"));
}

TEST_CASE("a user's fault map breaks the cells that it names, and wrong maps are refused") {
  const Workbench bench("fault-map");
  bench.write_matrix("w.npy", 3, 5, 1);
  bench.write_matrix("x.npy", 4, 5, 2);
  std::vector<std::int64_t> map(2 * 3 * 5);
  map[1 * 5 + 2] = 2;       // positive, output 1, input 2: stuck at g_max
  map[15 + 2 * 5 + 4] = 4;  // negative, output 2, input 4: dead word line
  const auto write = [&](const std::string& file, const std::vector<Index>& shape) {
    h5::Writer out(bench.path(file));
    out.write("/W", shape, map.data());
    out.commit();
  };
  write("map.h5", {2, 3, 5});
  write("long.h5", {2, 5, 3});
  bench.write("m.toml", "[faults]\nmap = \"map.h5\"\n");
  const std::vector<std::string> command{"mvm",     "~/m.toml", "--weights",
                                         "~/w.npy", "--inputs", "~/x.npy"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> words = command;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  REQUIRE(bench.ohmic(with({"-o", "~/y.npy", "--dump", "~/d.h5"})).status == 0);
  const auto aged = numbers(bench, "d.h5", "/aged"),
             programmed = numbers(bench, "d.h5", "/programmed");
  for (std::size_t i = 0; i < aged.size(); ++i) {
    CAPTURE(i);
    if (i == 7)
      CHECK(aged[i] == doctest::Approx(40e-6));
    else if (i == 29)
      CHECK(aged[i] == 0);
    else
      CHECK(aged[i] == programmed[i]);
  }
  check_refused(bench, with({"-o", "~/z.npy", "--set", "faults.map=long.h5"}), 2,
                "~/long.h5: /W is a fault map of 5 x 3 cells per polarity; the layer has 3 x 5");
  map[0] = 9;
  write("wrong.h5", {2, 3, 5});
  check_refused(bench, with({"-o", "~/z.npy", "--set", "faults.map=wrong.h5"}), 3,
                "~/wrong.h5: /W[0, 0, 0] = 9 is not a fault (0 .. 5)");
  check_refused(bench, with({"-o", "~/z.npy", "--set", "faults.map=none.h5"}), 3,
                "~/none.h5: no such file");
  check_refused(
      bench, with({"-o", "~/z.npy", "--set", "faults.stuck_at_given=0.1"}), 2,
      "--set faults.stuck_at_given=0.1: faults.stuck_at_given = 0.1 needs faults.stuck_uS");
}

TEST_CASE("drift compensation puts the mean of drifted outputs back") {
  // All exponents equal: a global scale undoes the drift but for the frozen noise, which is off.
  const Workbench bench("compensation");
  const std::string device =
      "device={model=\"state_independent\",sigma_uS=0,drift_mean=0.1,drift_sigma=0,read_scale=0}";
  const auto loss = [&](const std::string& folder, const std::string& compensation,
                        const char* at) {
    const Said said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/" + folder, "--set", device,
                                   "--set", "time.drift_compensation=" + compensation, "--set",
                                   std::string("time.at_s=") + at, "--set", "adc.bits=ideal",
                                   "--set", "dac.bits=ideal", "--set", "chips=1"});
    CAPTURE(said.log);
    REQUIRE(said.status == 0);
    return numbers(bench, folder + "/results.h5", "/chips/loss_all")[0];
  };
  const double fresh = loss("fresh", "none", "0"), drifted = loss("drifted", "none", "1e7");
  CHECK(std::fabs(drifted - fresh) > 1e-3);
  CHECK(loss("global", "global", "1e7") == doctest::Approx(fresh).epsilon(1e-5));
  CHECK(loss("column", "column", "1e7") == doctest::Approx(fresh).epsilon(1e-5));
}

TEST_CASE("times beyond a device's measurements and conductances beyond its range are refused") {
  const Workbench bench("range");
  check_refused(bench,
                {"run", "~/tiny.toml", "-o", "~/o", "--set", "device={model=\"wan2022\"}", "--set",
                 "time.at_s=1e6"},
                2,
                "--set time.at_s=1e6: time.at_s = 1000000: wan2022 was measured until 172800 s "
                "after programming");
  check_refused(
      bench,
      {"run", "~/tiny.toml", "-o", "~/o", "--set", "device={model=\"milo2021\",g_max_uS=300}"}, 2,
      "--set device={model=\"milo2021\",g_max_uS=300}: device.g_max_uS = 300 leaves the range "
      "50 .. 225 uS of milo2021; device.rescale = true stretches its formulas, "
      "device.outside_range = \"allow\" carries them on");
}

TEST_CASE("every published device has a preset that reads as its own defaults") {
  int presets = 0;
  for (const auto& entry : devices::catalogue()) {
    const std::filesystem::path file = std::filesystem::path(OHMIC_SOURCE_DIR) / "data/presets" /
                                       (std::string(entry.name) + ".toml");
    if (!std::filesystem::exists(file)) continue;
    CAPTURE(entry.name);
    const lab::Experiment e = lab::read_experiment(file, {});
    ConfigNode defaults;
    defaults.put("model", ConfigNode{std::string(entry.name), {}});
    CHECK(to_toml(e.hardware.device->parameters()) ==
          to_toml(devices::make_device(defaults, "device")->parameters()));
    ++presets;
  }
  CHECK(presets == 8);
}

TEST_CASE("a verifying loop's pulses are counted cell by cell") {
  const Workbench bench("pulse-histogram");
  REQUIRE(bench
              .ohmic({"run", "~/tiny.toml", "-o", "~/a", "--set",
                      "device={model=\"gaussian\",sigma=0.05,programming=\"write_verify\","
                      "verify_tolerance_uS=2.0,g_min_uS=20}"})
              .status == 0);
  const h5::Reader in(bench.path("a/results.h5"));
  const auto cells = in.integers("/layers/cells").values,
             pulses = in.integers("/layers/pulses").values,
             number = in.integers("/layers/pulse_number").values;
  const auto histogram = in.integers("/layers/pulse_histogram");
  REQUIRE(histogram.shape ==
          std::vector<Index>{static_cast<Index>(cells.size()), static_cast<Index>(number.size())});
  // sigma is a share of g_max, 40 uS, and no cell is near 0: one programming passes with p = erf(1
  // / sqrt 2), and the number of pulses is geometric. Five standard errors of the mean: a false
  // alarm in 1.7 million.
  const double p = std::erf(1 / std::sqrt(2.0));
  double all = 0, sum = 0;
  for (std::size_t k = 0; k < cells.size(); ++k) {
    std::int64_t counted = 0, weighted = 0;
    for (std::size_t n = 0; n < number.size(); ++n) {
      const std::int64_t there = histogram.values[k * number.size() + n];
      counted += there;
      weighted += there * number[n];
    }
    CHECK(counted == cells[k]);
    CHECK(weighted == pulses[k]);
    CHECK(histogram.values[k * number.size()] == 0);  // no cell goes without a pulse
    all += static_cast<double>(counted);
    sum += static_cast<double>(weighted);
  }
  CHECK(std::fabs(sum / all - 1 / p) < 5 * std::sqrt((1 - p) / all) / p);
}
