#include <doctest/doctest.h>

#include <cmath>

#include "base/statistics.h"
#include "io/h5.h"
#include "repeats.h"
#include "workbench.h"

/// Another program's trained network and its accuracy under variation (tests/golden/networks), on
/// the real Fashion-MNIST of Debian's dataset-fashion-mnist.
namespace ohmic {

TEST_CASE("the golden network has its clean accuracy exactly, and its loss to variation") {
  // 12 chips against the golden 400: mean within 5 standard errors of the difference, false alarm
  // below 6e-7; bench/must_show.sh takes 400.
  const int chips_made = testing::repeats(12);
  const testing::Workbench bench("golden");
  bench.write("golden.toml", "chips = " + std::to_string(chips_made) + R"(
[data]
set = "fashion-mnist"
[network]
model = "lenet5"
weights = ")" OHMIC_GOLDEN R"(/networks/lenet5_fashion.npz"
[device]
model = "lognormal"
[dac]
bits = "ideal"
[adc]
bits = "ideal"
[evaluation]
budget_images = 0
error_images = 0
)");
  struct Golden {
    const char* sigma;
    double mean, deviation;
  };
  for (const Golden golden : {Golden{"0.3", 0.8272, 0.0366}, {"0.5", 0.7180, 0.0821}}) {
    const std::string out = std::string("~/s") + golden.sigma;
    const auto said = bench.ohmic(
        {"run", "~/golden.toml", "-o", out, "--set", std::string("device.sigma=") + golden.sigma});
    REQUIRE_MESSAGE(said.status == 0, said.log);
    const h5::Reader results(bench.path(std::string("s") + golden.sigma + "/results.h5"));
    CHECK(results.doubles("/chips/float_accuracy").values[0] ==
          doctest::Approx(0.8862).epsilon(1e-9));
    Moments chips;
    for (const double a : results.doubles("/chips/accuracy").values) chips.add(a);
    const double error = golden.deviation * std::sqrt(1.0 / chips_made + 1.0 / 400);
    CHECK(std::fabs(chips.mean() - golden.mean) < 5 * error);
  }
}

TEST_CASE(
    "an ideal device with calibrated 8-bit converters keeps the float accuracy within 0.3 points") {
  const testing::Workbench bench("golden-ideal");
  bench.write("golden.toml", R"(
chips = 1
[data]
set = "fashion-mnist"
[network]
model = "lenet5"
weights = ")" OHMIC_GOLDEN R"(/networks/lenet5_fashion.npz"
[evaluation]
budget_images = 0
error_images = 0
)");
  const auto said = bench.ohmic({"run", "~/golden.toml", "-o", "~/out"});
  REQUIRE_MESSAGE(said.status == 0, said.log);
  const h5::Reader results(bench.path("out/results.h5"));
  CHECK(std::fabs(results.doubles("/chips/accuracy").values[0] - 0.8862) <= 0.003);
}

}  // namespace ohmic
