#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

#include "base/statistics.h"
#include "cli/workbench.h"
#include "io/h5.h"

/// A matrix goes in, is programmed, read, and comes back.
namespace ohmic {
namespace {

using testing::Workbench;

constexpr const char* kPython = "/usr/bin/python3";

/// True where numpy and h5py are there to judge; they must be where OHMIC_NEEDS_NUMPY is set.
bool has_numpy() {
  static const bool has =
      std::system((std::string(kPython) + " -c 'import numpy, h5py' >/dev/null 2>&1").c_str()) == 0;
  REQUIRE_MESSAGE((has || !std::getenv("OHMIC_NEEDS_NUMPY")), "numpy and h5py are missing");
  return has;
}

bool script(const std::string& arguments) {
  return std::system(
             (std::string(kPython) + " " OHMIC_SOURCE_DIR "/tests/cli/check_dump.py " + arguments)
                 .c_str()) == 0;
}

/// Within 5 standard errors (one false alarm in 1.7 million) of a distribution's mean and
/// deviation.
void check_sample(const std::vector<double>& sample, double mean, double sd, double kurtosis) {
  const auto n = static_cast<double>(sample.size());
  REQUIRE(n >= 1000);
  Moments moments;
  for (const double x : sample) moments.add(x);
  CHECK(std::fabs(moments.mean() - mean) <= 5 * sd / std::sqrt(n));
  CHECK(std::fabs(moments.deviation() - sd) <= 5 * sd * std::sqrt((kurtosis - 1) / (4 * n)));
}

/// exp(theta), theta ~ N(0, sigma^2): its logarithm, and its own moments (kurtosis e^4v + 2 e^3v +
/// 3 e^2v - 3).
void check_lognormal(const std::vector<double>& ratio, double sigma) {
  std::vector<double> logarithm;
  for (const double r : ratio) logarithm.push_back(std::log(r));
  check_sample(logarithm, 0, sigma, 3);
  const double v = sigma * sigma;
  check_sample(ratio, std::exp(v / 2), std::exp(v / 2) * std::sqrt(std::exp(v) - 1),
               std::exp(4 * v) + 2 * std::exp(3 * v) + 3 * std::exp(2 * v) - 3);
}

struct Case {
  const char* kind;
  const char* device;
  double sigma, g_min_us, g_max_us;
};
// The Gaussian's g_min is 7.5 deviations above 0 (normals end at 6.77), so that no cell is
// rectified.
const Case kCases[] = {
    {"lognormal_device",
     "device={model=\"lognormal\", variation_on=\"device\", sigma=0.3, g_min_uS=1, g_max_uS=40}",
     0.3, 1, 40},
    {"lognormal_weight",
     "device={model=\"lognormal\", variation_on=\"weight\", sigma=0.5, g_min_uS=1, g_max_uS=40}",
     0.5, 1, 40},
    {"gaussian", "device={model=\"gaussian\", sigma=0.05, g_min_uS=15, g_max_uS=40}", 0.05, 15, 40},
};

TEST_CASE("programmed conductances come back with the mean and deviation of their device") {
  const Workbench bench("round-trip");
  constexpr Index kOutputs = 60, kInputs = 50, kChips = 4;
  if (!has_numpy() || !script("make " + bench.path("w.npy") + " 60 50"))
    bench.write_matrix("w.npy", kOutputs, kInputs, 1);
  bench.write_matrix("x.npy", 5, kInputs, 2);
  for (const Case& c : kCases) {
    CAPTURE(c.kind);
    REQUIRE(bench
                .ohmic({"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o", "~/y.npy",
                        "--chips", "4", "--dump", "~/d.h5", "--force", "--set", c.device})
                .status == lab::kDone);
    if (has_numpy()) {
      const auto judged = [&](double sigma) {
        return script(fmt::format("check {} {} {} {} {} {} 2>/dev/null", bench.path("d.h5"),
                                  bench.path("w.npy"), c.kind, sigma, c.g_min_us, c.g_max_us));
      };
      CHECK(judged(c.sigma));
      CHECK_FALSE(judged(1.1 * c.sigma));  // the judge does tell
    }

    const h5::Reader dump(bench.path("d.h5"));
    const h5::Array<float> target = dump.floats("/target"), programmed = dump.floats("/programmed");
    REQUIRE(target.shape == std::vector<Index>{kChips, 2, kOutputs, kInputs});
    const h5::Array<float> w = read_npy(bench.path("w.npy"));
    const std::size_t plane = w.values.size();
    double largest = 0;
    for (const float x : w.values) largest = std::max(largest, std::fabs(static_cast<double>(x)));
    std::vector<double> ratio, difference, weight_ratio;
    double worst_target = 0;
    for (std::size_t i = 0; i < target.values.size(); ++i) {
      const double g = target.values[i], p = programmed.values[i],
                   u = w.values[i % plane] / largest;
      const double sign = i / plane % 2 == 0 ? 1 : -1;
      const double expected =
          1e-6 * (c.g_min_us + (c.g_max_us - c.g_min_us) * std::max(sign * u, 0.0));
      worst_target = std::max(worst_target, std::fabs(g / expected - 1));
      ratio.push_back(p / g);
      difference.push_back(p - g);
      if (sign > 0 && std::fabs(u) > 0.05)
        weight_ratio.push_back((p - programmed.values[i + plane]) / (g - target.values[i + plane]));
    }
    CHECK(worst_target < 1e-6);  // rounding to float
    const std::string kind = c.kind;
    if (kind == "lognormal_device") check_lognormal(ratio, c.sigma);
    if (kind == "lognormal_weight") check_lognormal(weight_ratio, c.sigma);
    if (kind == "gaussian") check_sample(difference, 0, c.sigma * c.g_max_us * 1e-6, 3);
  }
}

TEST_CASE("an ideal device with ideal converters multiplies to within the rounding of floats") {
  const Workbench bench("ideal");
  for (const char* mapping : {"differential", "differential_two_sided", "offset"})
    for (const Index inputs : {1, 50, 300}) {
      CAPTURE(mapping);
      CAPTURE(inputs);
      constexpr Index kOutputs = 21, kVectors = 70;
      bench.write_matrix("w.npy", kOutputs, inputs, 1);
      bench.write_matrix("x.npy", kVectors, inputs, 2);
      REQUIRE(bench
                  .ohmic({"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o", "~/y.npy",
                          "--force", "--set", "dac.bits=ideal", "--set", "adc.bits=ideal", "--set",
                          std::string("array.mapping=") + mapping})
                  .status == lab::kDone);
      const h5::Array<float> w = read_npy(bench.path("w.npy")), x = read_npy(bench.path("x.npy"));
      const h5::Array<float> y = read_npy(bench.path("y.npy"));
      REQUIRE(y.shape == std::vector<Index>{kVectors, kOutputs});
      // u = 2^-24 a rounding. Each conductance is rounded once (at most g_max = the range r, over 1
      // - g_min/g_max), and a weight is the difference of two, or of one and the centre, over r or
      // r/2: 4 u of full scale; its own scaling and difference add 3 u |w|. The sum of n terms with
      // fused operations adds n u, tiles' partial sums and their worth 8 u.
      double scale = 0;
      for (const float value : w.values)
        scale = std::max(scale, std::fabs(static_cast<double>(value)));
      const double u = 0x1p-24;
      double worst = 0;
      for (Index v = 0; v < kVectors; ++v)
        for (Index o = 0; o < kOutputs; ++o) {
          double exact = 0, bound = 0;
          for (Index i = 0; i < inputs; ++i) {
            const double wi = w.values[static_cast<std::size_t>(o * inputs + i)];
            const double xi = x.values[static_cast<std::size_t>(v * inputs + i)];
            exact += wi * xi;
            bound += u * std::fabs(xi) *
                     (4.1 * scale + (11 + static_cast<double>(inputs)) * std::fabs(wi));
          }
          const double found = y.values[static_cast<std::size_t>(v * kOutputs + o)];
          worst = std::max(worst, std::fabs(found - exact) / bound);
        }
      CHECK(worst <= 1);
    }
}

TEST_CASE("npy, CSV and HDF5 carry the same numbers in and out") {
  const Workbench bench("formats");
  const auto both = [&](const std::string& name, Index rows, Index columns, std::uint32_t seed) {
    bench.write_matrix(name + ".npy", rows, columns, seed);
    const h5::Array<float> values = read_npy(bench.path(name + ".npy"));
    write_csv(bench.path(name + ".csv"), {values.values.data(), rows, columns});
    h5::Writer out(bench.path(name + ".h5"));
    out.write("/some/matrix", {rows, columns}, values.values.data());
    out.commit();
  };
  both("w", 11, 30, 1);
  both("x", 9, 30, 2);
  std::vector<std::vector<float>> results;
  for (const std::string in : {".npy", ".csv", ".h5:/some/matrix"})
    for (const std::string out : {".npy", ".csv", ".h5"}) {
      CAPTURE(in);
      CAPTURE(out);
      const auto said =
          bench.ohmic({"mvm", "--weights", "~/w" + in, "--inputs", "~/x" + in, "-o", "~/y" + out,
                       "--force", "--set", "device.model=lognormal", "--set",
                       "device.read_noise=0.02", "--set", "device.read_noise_of=g_max"});
      CAPTURE(said.log);
      REQUIRE(said.status == lab::kDone);
      const Matrix<float> y = read_matrix(bench.path("y" + out) + (out == ".h5" ? ":/y" : ""), "y");
      CHECK(y.rows() == 9);
      CHECK(y.columns() == 11);
      results.emplace_back(y.data(), y.data() + y.size());
      CHECK(results.back() == results.front());
    }
}

TEST_CASE("a chip of many is the chip alone, and a dump holds what its attributes say") {
  const Workbench bench("chips");
  bench.write_matrix("w.npy", 7, 20, 1);
  bench.write_matrix("x.npy", 70, 20, 2);
  const auto mvm = [&](const std::string& name, const std::string& chips,
                       const std::string& threads) {
    REQUIRE(bench
                .ohmic({"mvm",
                        "--weights",
                        "~/w.npy",
                        "--inputs",
                        "~/x.npy",
                        "-o",
                        "~/" + name + ".npy",
                        "--dump",
                        "~/" + name + ".h5",
                        "--chips",
                        chips,
                        "--threads",
                        threads,
                        "--set",
                        "device.model=gaussian",
                        "--set",
                        "device.read_noise=0.02",
                        "--set",
                        "device.read_noise_of=g",
                        "--set",
                        "array.rows=8",
                        "--set",
                        "array.subtraction=digital"})
                .status == lab::kDone);
    return read_npy(bench.path(name + ".npy"));
  };
  const h5::Array<float> one = mvm("one", "1", "1"), three = mvm("three", "3", "2");
  CHECK(one.shape == std::vector<Index>{70, 7});
  CHECK(three.shape == std::vector<Index>{3, 70, 7});
  CHECK(std::equal(one.values.begin(), one.values.end(), three.values.begin()));
  const h5::Reader dump(bench.path("three.h5"));
  CHECK(dump.floats("/dac_codes").shape == std::vector<Index>{70, 20});
  CHECK(dump.floats("/currents").shape ==
        std::vector<Index>{3, 3, 70, 14});  // two conversions per output
  CHECK(dump.floats("/adc_codes").shape == std::vector<Index>{3, 3, 70, 14});
  for (const float code : dump.floats("/dac_codes").values) {
    CHECK(code == std::nearbyint(code));
    CHECK(std::fabs(code) <= 127);
  }
  CHECK(dump.string_attribute("/currents", "units") == "A");
  CHECK(dump.string_attribute("/", "command") == "mvm");
}

}  // namespace
}  // namespace ohmic
