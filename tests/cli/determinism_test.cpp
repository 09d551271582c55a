#include <doctest/doctest.h>

#include <cmath>

#include "cli/same_results.h"
#include "cli/workbench.h"

/// The same config gives the same bits, whatever runs it; and what must survive a change of tiles
/// does.
namespace ohmic {
namespace {

using testing::first_difference;
using testing::Workbench;

/// Devices and converters that a run may have: the uniform and the cell-by-cell path of read noise,
/// digital layers, all kinds of programming.
const std::vector<std::vector<std::string>> kHardware = {
    {},
    {"device={model=\"gaussian\", sigma=0.05, sigma_device=0.02, read_noise=0.03, "
     "read_noise_of=\"g\"}",
     "array.mapping=offset", "adc.recalibrate=per_chip", "programmings_per_chip=2",
     "reads_per_programming=2", "chips=2"},
    {"override=[{name=\"first\", layers=[\"conv1\"], analog=false}]", "array.bias=row",
     "array.subtraction=digital"},
};

TEST_CASE("a run gives the same bits for any number of threads and any batch, training included") {
  for (const auto& hardware : kHardware) {
    const Workbench bench("determinism");
    const auto run = [&](const std::string& threads, const std::string& batch) {
      const std::string name = "threads" + threads + "batch" + batch;
      std::vector<std::string> words{"run",       "~/tiny.toml", "-o",
                                     "~/" + name, "--no-cache",  "--threads",
                                     threads,     "--set",       "evaluation.batch=" + batch};
      for (const std::string& setting : hardware) words.insert(words.end(), {"--set", setting});
      const auto said = bench.ohmic(words);
      CAPTURE(said.log);
      REQUIRE(said.status == lab::kDone);
      REQUIRE(said.out.find("trained 2 epochs") != std::string::npos);
      return bench.path(name + "/results.h5");
    };
    const std::string first = run("1", "256");
    for (const std::string threads : {"1", "2", "3"})
      for (const std::string batch : {"1", "37", "1000"}) {
        CAPTURE(threads);
        CAPTURE(batch);
        CHECK(first_difference(first, run(threads, batch)) == "");
      }
  }
}

TEST_CASE("the comparison of results sees another seed, chip and attribute") {
  const Workbench bench("comparison");
  const auto run = [&](const std::string& name, const std::string& setting) {
    REQUIRE(bench.ohmic({"run", "~/tiny.toml", "-o", "~/" + name, "--set", setting}).status ==
            lab::kDone);
    return bench.path(name + "/results.h5");
  };
  const std::string first = run("a", "seed=3");
  CHECK(first_difference(first, run("b", "seed=4")) == "/@config");
  CHECK(first_difference(first, run("c", "evaluation.yield_accuracy=0.5")) == "/@config");
}

/// One array of a dump, chips x polarities x outputs x inputs.
h5::Array<float> dumped(const Workbench& bench, const std::string& file, const std::string& name) {
  return h5::Reader(bench.path(file)).floats(name);
}

TEST_CASE("the same chip under tiles of 64x64 and 128x128 has the same programmed conductances") {
  const Workbench bench("tiling");
  bench.write_matrix("w.npy", 100, 200, 1);
  bench.write_matrix("x.npy", 3, 200, 2);
  for (const char* device :
       {"device={model=\"lognormal\", variation_on=\"weight\", sigma_device=0.2}",
        "device={model=\"lognormal\", variation_on=\"device\"}",
        "device={model=\"gaussian\", sigma_device=0.1}"})
    for (const char* mapping : {"differential", "differential_two_sided", "offset"}) {
      CAPTURE(device);
      CAPTURE(mapping);
      const auto mvm = [&](const std::string& name, const std::string& size) {
        const auto said = bench.ohmic({"mvm",
                                       "--weights",
                                       "~/w.npy",
                                       "--inputs",
                                       "~/x.npy",
                                       "-o",
                                       "~/" + name + ".npy",
                                       "--dump",
                                       "~/" + name + ".h5",
                                       "--chips",
                                       "2",
                                       "--force",
                                       "--set",
                                       device,
                                       "--set",
                                       std::string("array.mapping=") + mapping,
                                       "--set",
                                       "array.rows=" + size,
                                       "--set",
                                       "array.columns=" + size});
        REQUIRE(said.status == lab::kDone);
      };
      mvm("small", "64");
      mvm("large", "128");
      for (const char* plane : {"/target", "/programmed", "/aged"}) {
        CAPTURE(plane);
        const auto small = dumped(bench, "small.h5", plane),
                   large = dumped(bench, "large.h5", plane);
        CHECK(small.shape == large.shape);
        CHECK(small.values == large.values);
      }
    }
}

TEST_CASE("row tiles of one column, and columns of one row tile, have independent read noise") {
  // W = 0 and ideal cells: what is left of a current is its read noise. Two row tiles of 32 rows,
  // `vectors` reads.
  const Workbench bench("independent");
  constexpr Index kVectors = 2000, kOutputs = 16;
  const std::vector<float> zeros(static_cast<std::size_t>(kOutputs * 64), 0.0f),
      ones(kVectors * 64, 1.0f);
  write_npy(bench.path("w.npy"), {kOutputs, 64}, zeros.data());
  write_npy(bench.path("x.npy"), {kVectors, 64}, ones.data());
  for (const char* noise_of :
       {"g_max", "g"}) {  // one number for all cells, and a panel of variances
    CAPTURE(noise_of);
    REQUIRE(bench
                .ohmic({"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o", "~/y.npy",
                        "--dump", "~/d.h5", "--force", "--set", "array.rows=32", "--set",
                        "device.g_min_uS=1", "--set", "device.read_noise=0.1", "--set",
                        std::string("device.read_noise_of=") + noise_of})
                .status == lab::kDone);
    const h5::Array<float> currents = dumped(bench, "d.h5", "/currents");
    REQUIRE(currents.shape == std::vector<Index>{1, 2, kVectors, kOutputs});
    const auto at = [&](Index tile, Index vector, Index column) {
      return static_cast<double>(
          currents
              .values[static_cast<std::size_t>((tile * kVectors + vector) * kOutputs + column)]);
    };
    // The product of two independent standard normals has mean 0 and deviation 1, so the mean of n
    // of them lies within 5/sqrt(n) but for one test in 1.7 million; shared draws would give 1.
    double tiles = 0, columns = 0, reads = 0, power = 0;
    for (Index v = 0; v + 1 < kVectors; ++v)
      for (Index c = 0; c + 1 < kOutputs; ++c) {
        tiles += at(0, v, c) * at(1, v, c);
        columns += at(0, v, c) * at(0, v, c + 1);
        reads += at(0, v, c) * at(0, v + 1, c);
        power += at(0, v, c) * at(0, v, c);
      }
    const double bound = 5 / std::sqrt(static_cast<double>((kVectors - 1) * (kOutputs - 1)));
    REQUIRE(power > 0);
    CHECK(std::fabs(tiles / power) < bound);
    CHECK(std::fabs(columns / power) < bound);
    CHECK(std::fabs(reads / power) < bound);
  }
}

}  // namespace
}  // namespace ohmic
