#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

#include "base/statistics.h"
#include "devices/additions.h"
#include "devices/gaussian.h"
#include "devices/jump_table.h"
#include "devices/pulse_response.h"
#include "folder.h"
#include "golden_rows.h"

using namespace ohmic;
using namespace ohmic::devices;
using ohmic::testing::Folder;
using ohmic::testing::golden_rows;
using ohmic::testing::GoldenRow;

TEST_CASE("every training device answers pulses as aihwkit's mean device does") {
  // 1e-6, as its README says; GokmenVlasov 1.5e-5, which aihwkit accumulates in single precision.
  std::string preset, direction;
  double w = 0;
  Index pulses = 0, rows = 0;
  for (const GoldenRow& row : golden_rows("aihwkit/pulse_response_mean_device.csv")) {
    const PulseModel& model = pulse_model(row.word("preset"));
    const bool up = row.word("direction") == "up";
    if (row.word("preset") != preset || row.word("direction") != direction ||
        row["n_pulses"] < static_cast<double>(pulses)) {
      preset = row.word("preset");
      direction = row.word("direction");
      w = up ? model.w_min : model.w_max;
      pulses = 0;
    }
    for (; static_cast<double>(pulses) < row["n_pulses"]; ++pulses) w = after_pulse(model, w, up);
    CAPTURE(preset);
    CAPTURE(direction);
    CAPTURE(pulses);
    CHECK(std::fabs(w - row["w"]) <= (preset == "GokmenVlasov" ? 1.5e-5 : 1e-6));
    ++rows;
  }
  CHECK(rows > 1000);
}

TEST_CASE("pulse noise scales with the step, or does not, as the model says") {
  // 1e5 pulses at 5 standard errors of the deviation: a false alarm below 6e-7 each.
  const RandomStream stream(2);
  std::vector<float> z(100000);
  stream.normals(device_address(Purpose::pulse, {}), 0, z);
  for (const char* name : {"EcRam", "ReRamArrayOM"}) {
    const PulseModel& model = pulse_model(name);
    const double w = 0.2, step = mean_step(model, w, true);
    Moments m;
    for (const float noise : z) m.add(after_pulse(model, w, true, noise) - w);
    const double expected = model.step_sigma * (model.noise_scales ? step : model.dw_min);
    CHECK(std::fabs(m.mean() - step) <= 5 * expected / std::sqrt(1e5));
    CHECK(std::fabs(m.deviation() - expected) <= 5 * expected / std::sqrt(2e5));
  }
  CHECK_THROWS_WITH(pulse_model("EcRm"), doctest::Contains("(did you mean 'EcRam'?)"));
}

TEST_CASE("a device differs from the mean one as its normals say") {
  for (const PulseModel& model : pulse_models()) {
    CAPTURE(model.name);
    const PulseModel mean = of_device(model, {});
    const PulseModel bold = of_device(model, {.step = 1});
    const double gain =
        model.step_is_log_normal ? std::exp(model.step_sigma_device) : 1 + model.step_sigma_device;
    for (const double fraction : {0.1, 0.5, 0.9})
      for (const bool up : {true, false}) {
        const double w = model.w_min + fraction * (model.w_max - model.w_min);
        CHECK(after_pulse(mean, w, up, 0.5) == after_pulse(model, w, up, 0.5));
        const double bias = up ? std::fmin(model.up_down, 0) : -std::fmax(model.up_down, 0);
        CHECK(mean_step(bold, w, up) ==
              doctest::Approx(mean_step(model, w, up) * (gain + bias) / (1 + bias)));
      }
  }
  // Bounds by hand from aihwkit's presets: each bound has a spread of its own.
  const PulseDeviceNormals one{.w_max = 1, .w_min = 1};
  CHECK(of_device(pulse_model("ReRamSB"), one).w_max == doctest::Approx(1.25 + 0.3));
  CHECK(of_device(pulse_model("ReRamSB"), one).w_min == doctest::Approx(-0.75 - 0.3));
  CHECK(of_device(pulse_model("ReRamArrayOM"), one).w_min == doctest::Approx(-1.5695));
  CHECK(of_device(pulse_model("ReRamArrayHfO2"), one).w_min == doctest::Approx(-1.599));
  CHECK(of_device(pulse_model("PCM"), one).w_min == 0);
  // A soft bound is the device's own: no step there, and none beyond.
  const PulseModel soft = of_device(pulse_model("ReRamSB"), one);
  CHECK(std::fabs(mean_step(soft, soft.w_max, true)) < 1e-15);
  CHECK(after_pulse(soft, 0, true, 1e6) == soft.w_max);
  // A linear slope does not depend on the device's bound, but on its own slope.
  const PulseModel& ecram = pulse_model("EcRam");
  const PulseModel wide = of_device(ecram, {.w_max = 2, .w_min = -2});
  for (const bool up : {true, false})
    CHECK(mean_step(wide, 0.4, up) == doctest::Approx(mean_step(ecram, 0.4, up)));
  CHECK(mean_step(of_device(ecram, {.gamma_up = 1}), 0.4, true) ==
        doctest::Approx(0.002 * (1 - (0.1153 + 0.05) * 0.4 / 1.1724)));
  // Up and down steps drift apart by the imbalance; a step keeps its direction.
  const PulseModel uneven = of_device(pulse_model("GokmenVlasov"), {.up_down = 2});
  CHECK(mean_step(uneven, 0, true) == doctest::Approx(0.0016 * 1.02));
  CHECK(mean_step(uneven, 0, false) == doctest::Approx(-0.0016 * 0.98));
  CHECK(mean_step(of_device(pulse_model("GokmenVlasov"), {.step = -5}), 0, true) ==
        doctest::Approx(0.0016 * 0.5));
}

TEST_CASE("a jump table is interpolated between levels, and programs with verification") {
  const Folder folder("jumps");
  std::string text = "level_uS,direction,step_uS\n";
  for (const double level : {0.0, 20.0, 40.0})
    for (int k = 0; k <= 4; ++k) {
      text += "# measured\n";
      text += fmt::format("{},set,{}\n", level, 1.0 + level / 20 + 0.1 * k);
      text += fmt::format("{},{},{}\n", level, level > 0 ? "reset" : "-1.0", -1.0 - 0.1 * k);
    }
  const auto file = folder.write("j.csv", text);
  const JumpTable table = read_jump_table(file);
  CHECK(table.step(0, true, 0.5) == doctest::Approx(1.2e-6));
  CHECK(table.step(10e-6, true, 0.25) == doctest::Approx(1.6e-6));
  CHECK(table.step(50e-6, true, 0.999999) == doctest::Approx(3.4e-6));
  CHECK(table.step(30e-6, false, 0.5) == doctest::Approx(-1.2e-6));
  GaussianParams gaussian;
  gaussian.sigma = 0.2;
  const auto model = with_write_verify(make_gaussian(gaussian),
                                       {.verifies = true,
                                        .pulse = ProgrammingLoop::Pulse::jump_table,
                                        .file = "j.csv",
                                        .tolerance = 1.7e-6},
                                       file);
  const RandomStream stream(3);
  Cells cells;
  model->program({.stream = &stream}, Matrix<float>(50, 100, 20e-6f), cells);
  double pulses = 0;
  for (Index i = 0; i < 5000; ++i) {
    REQUIRE(std::fabs(cells.programmed.data()[i] - 20e-6) <= 1.7e-6 * (1 + 1e-5));
    pulses += cells.plane(kPulsePlane).data()[i];
  }
  CHECK(pulses > 2 * 5000);
  const auto refuse = [&](const std::string& bad, const char* message) {
    CHECK_THROWS_WITH(read_jump_table(folder.write("bad.csv", bad)), doctest::Contains(message));
  };
  refuse("level_uS,direction,step_kS\n1,1,1\n",
         "column step_kS: unknown unit 'kS' of a conductance");
  refuse("level_uS,direction,step_uS\n1,0,1\n",
         "bad.csv:2:3: direction '0' is none of set, reset, 1, -1");
  refuse("level_uS,direction,step_uS\n1,set,nan\n", "bad.csv:2:7: 'nan' is not a finite number");
  refuse("level_uS,direction,step_uS\n# two\n-1,set,1\n", "bad.csv:3:1: level -1 is negative");
  refuse("level_uS,direction,step_uS\n1,set\n", "bad.csv:2:3: a row of 2, expected 3");
  refuse("level_uS,direction,step_uS\n", "bad.csv: holds no numbers");
  refuse("level_uS,direction,step_uS\n1,-1,1\n", "bad.csv: has no set pulses");
  refuse("# nothing\n", "bad.csv: holds no numbers");
  refuse("level_uS,direction,step_uS\n1,1,1\n1,-1,1\n", "bad.csv:2:1: level 1 uS has 1 set pulses");
}

TEST_CASE("a training device's pulses bring cells to their targets") {
  GaussianParams gaussian;
  gaussian.sigma = 0.1;
  const auto model =
      with_write_verify(make_gaussian(gaussian), {.verifies = true,
                                                  .pulse = ProgrammingLoop::Pulse::response,
                                                  .model = "EcRam",
                                                  .file = {},
                                                  .tolerance = 0.1e-6,
                                                  .pulse_limit = 500});
  const RandomStream stream(3);
  Cells cells;
  model->program({.stream = &stream}, Matrix<float>(20, 100, 20e-6f), cells);
  double inside = 0;
  for (Index i = 0; i < 2000; ++i)
    inside += std::fabs(cells.programmed.data()[i] - 20e-6) <= 0.1e-6 * (1 + 1e-5);
  CHECK(inside >= 0.99 * 2000);
}

TEST_CASE("training devices whose own bound lies below the target stay there") {
  GaussianParams gaussian;
  gaussian.sigma = 0.02;
  const double tolerance = 0.2e-6;
  const auto base = make_gaussian(gaussian);
  const auto model = with_write_verify(base, {.verifies = true,
                                              .pulse = ProgrammingLoop::Pulse::response,
                                              .model = "GokmenVlasov",
                                              .file = {},
                                              .tolerance = tolerance,
                                              .pulse_limit = 400});
  const PulseModel& mean = pulse_model("GokmenVlasov");
  const double span = (mean.w_max - mean.w_min) / (base->g_max() - base->g_min());
  const double target = base->g_min() + (0.5 - mean.w_min) / span;
  constexpr Index kRows = 40, kColumns = 500;
  const RandomStream stream(5);
  Cells first, second;
  model->program({.stream = &stream}, Matrix<float>(kRows, kColumns, static_cast<float>(target)),
                 first);
  model->program({.stream = &stream, .programming = 1},
                 Matrix<float>(kRows, kColumns, static_cast<float>(target)), second);
  double short_of = 0, both = 0;
  for (Index i = 0; i < kRows * kColumns; ++i) {
    const bool one = first.programmed.data()[i] < target - tolerance * (1 + 1e-4);
    const bool two = second.programmed.data()[i] < target - tolerance * (1 + 1e-4);
    short_of += one;
    both += one && two;
  }
  // The bound is w_max (1 + sigma z); the base's own programming may pass at once. 5 standard
  // errors of a binomial fraction: a false alarm in 1.7 million.
  const double bound = 0.5 - tolerance * span;
  const double low =
      0.5 * std::erfc(-(bound / mean.w_max - 1) / mean.w_max_sigma_device / std::sqrt(2.0));
  const double misses = std::erfc(tolerance / base->sigma(target, 0) / std::sqrt(2.0));
  const double n = kRows * kColumns, fraction = low * misses, again = low * misses * misses;
  CHECK(std::fabs(short_of / n - fraction) < 5 * std::sqrt(fraction * (1 - fraction) / n));
  // The bound is made once: both programmings of a chip fail on the same devices.
  CHECK(std::fabs(both / n - again) < 5 * std::sqrt(again * (1 - again) / n));
}
