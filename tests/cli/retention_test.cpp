#include <doctest/doctest.h>

#include <cmath>

#include "io/h5.h"
#include "workbench.h"

/// Corrections over a retention curve: none comes from the future.
namespace ohmic {
namespace {

using testing::Workbench;

const std::string kDrifting = std::string(testing::kTinyConfig)
                                  .replace(testing::kTinyConfig.find("[device]"), std::string::npos,
                                           R"([device]
model = "pcm_like"
[evaluation]
budget_images = 0
error_images = 0
calibration_images = 80
[methods.ridge]
images = 80
[methods.affine]
images = 80
[time]
retention_s = [1e7, 100.0]
)");

struct Curve {
  std::vector<double> accuracy, retention;
  std::string said, calibration;
};

Curve curve(const Workbench& bench, const std::string& out, std::vector<std::string> settings) {
  std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/" + out};
  for (const std::string& setting : settings) {
    words.push_back("--set");
    words.push_back(setting);
  }
  const auto said = bench.ohmic(words);
  REQUIRE_MESSAGE(said.status == 0, said.log);
  const h5::Reader in(bench.path(out + "/results.h5"));
  return {in.doubles("/chips/accuracy").values, in.doubles("/retention/accuracy").values, said.out,
          in.has_attribute("/retention/accuracy", "calibration")
              ? in.string_attribute("/retention/accuracy", "calibration")
              : ""};
}

}  // namespace

TEST_CASE("corrections of a retention curve are those of its first time, or of each, never later") {
  const Workbench bench("retention");
  std::string config = kDrifting;
  config.insert(config.find("[[network.layers]]\ntype = \"relu\""),
                "[[network.layers]]\ntype = \"batch_norm\"\n");
  bench.write("tiny.toml", config);
  for (const std::string method : {"ridge", "affine", "mean_correction", "bn_reestimation"}) {
    CAPTURE(method);
    const std::string of = "method=" + method, digital = "network.fold_batch_norm=false";
    const Curve at_0 = curve(bench, method + "0", {of, digital});
    // When chips are measured otherwise changes nothing of the curve.
    const Curve at_late = curve(bench, method + "1", {of, digital, "time.at_s=1e7"});
    CHECK(at_0.retention == at_late.retention);
    CHECK(at_0.calibration == "once");
    CHECK(at_0.said.find("corrections found once, at ") != std::string::npos);
    // Found anew at a time they are those of a chip that is measured then.
    const Curve anew =
        curve(bench, method + "2", {of, digital, "time.at_s=1e7", "time.calibration=each_time"});
    CHECK(anew.calibration == "each_time");
    CHECK(anew.said.find("corrections found anew at each time") != std::string::npos);
    const std::vector<double> late(anew.retention.begin(), anew.retention.begin() + 3),
        first(anew.retention.begin() + 3, anew.retention.end()),
        once_first(at_0.retention.begin() + 3, at_0.retention.end());
    CHECK(late == anew.accuracy);
    CHECK(first == once_first);
  }
  CHECK(curve(bench, "plain", {}).calibration == "");
}

TEST_CASE("the mean shift line is that of the time at which chips are measured") {
  const Workbench bench("mean-age");
  std::string config = kDrifting;
  config.replace(config.find("budget_images = 0"), 17, "budget_images = 70");
  bench.write("tiny.toml", config);
  const auto line = [&](const std::string& out, const std::vector<std::string>& settings) {
    curve(bench, out, settings);
    return h5::Reader(bench.path(out + "/results.h5")).doubles("/error_budget/mean_shift").values;
  };
  // All conductances shrink by much the same factor, and this network without converters minds its
  // biases only: another accuracy than that of fresh cells shows that they aged.
  const auto fresh = line("fresh", {});
  const auto late = line("late", {"time.at_s=1e9"});
  CHECK(fresh != late);
  // Divided out on average, they are back: no correction of an age that the cells do not have.
  const auto corrected = line("corrected", {"time.at_s=1e9", "method=mean_correction"});
  const auto ideal =
      h5::Reader(bench.path("late/results.h5")).doubles("/error_budget/mapping").values;
  CHECK(std::abs(corrected[0] - ideal[0]) < std::abs(late[0] - ideal[0]));
}

}  // namespace ohmic
