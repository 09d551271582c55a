#include "devices/measured.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

#include "base/statistics.h"
#include "devices/catalogue.h"
#include "devices/chip_readout.h"
#include "folder.h"
#include "io/array_file.h"
#include "io/h5.h"
#include "messages.h"

using namespace ohmic;
using namespace ohmic::devices;
using ohmic::testing::Folder;

namespace {

std::shared_ptr<const DeviceModel> device(const Folder& folder, const std::string& toml) {
  return make_device(parse_config(toml, "test"), "device", folder.path());
}

const std::string kRange = "\ng_min_uS = 0\ng_max_uS = 40";

Matrix<float> drawn(const DeviceModel& model, float target, double seconds) {
  const RandomStream stream(5);
  Cells cells;
  model.program({.stream = &stream, .chip = 1}, Matrix<float>(200, 500, target), cells);
  Matrix<float> g(200, 500);
  model.conductance(cells, seconds, g);
  return g;
}

}  // namespace

TEST_CASE("a table of moments is interpolated between targets, and in ln t between times") {
  const Folder folder("moments");
  folder.write("m.csv",
               "# made up\ntarget_uS, mean_uS, std_uS, time_s\n0, 10, 1, 1\n40, 30, 3, 1\n"
               "0, 8, 2, 100\n40, 26, 4, 100\n");
  const auto model = device(folder, "model = \"measured\"\nfile = \"m.csv\"" + kRange);
  CHECK(model->mean(20e-6, 0) == doctest::Approx(20e-6));
  CHECK(model->sigma(10e-6, 1) == doctest::Approx(1.5e-6));
  CHECK(model->mean(20e-6, 10) == doctest::Approx(18.5e-6));  // half way in ln t
  CHECK(model->sigma(20e-6, 100) == doctest::Approx(3e-6));
  CHECK(model->latest_seconds() == 100);
  // 1e5 draws at 5 standard errors: false alarms below 6e-7 each.
  for (const double seconds : {0.0, 10.0, 100.0}) {
    Moments m;
    const Matrix<float> g = drawn(*model, 20e-6f, seconds);
    for (Index i = 0; i < g.size(); ++i) m.add(g.data()[i]);
    const double s = model->sigma(20e-6, seconds), n = 1e5;
    CHECK(std::fabs(m.mean() - model->mean(20e-6, seconds)) <= 5 * s / std::sqrt(n));
    CHECK(std::fabs(m.deviation() - s) <= 5 * s / std::sqrt(2 * n));
  }
}

TEST_CASE("samples give their own distribution, between targets as well") {
  // 21 equidistant samples at each end, 1 .. 3 and 30 .. 50 uS: halfway between them their
  // deviations (n - 1: the step times sqrt(n (n + 1) / 12)) have the mean.
  const Folder folder("samples");
  std::string text = "target_nS;sample_nS\n";
  for (int i = 0; i <= 20; ++i) text += fmt::format("{};{}\n", 40000, 30000 + 1000 * i);
  for (int i = 0; i <= 20; ++i) text += fmt::format("{};{}\n", 0, 1000 + 100 * i);
  folder.write("s.csv", text);
  const auto model = device(folder, "model = \"measured\"\nfile = \"s.csv\"" + kRange);
  const double sigma = 0.55e-6 * std::sqrt(21 * 22 / 12.0);
  CHECK(model->mean(20e-6, 0) == doctest::Approx(21e-6));
  CHECK(model->sigma(20e-6, 0) == doctest::Approx(sigma));
  Moments m;
  const Matrix<float> g = drawn(*model, 20e-6f, 0);
  for (Index i = 0; i < g.size(); ++i) {
    const double x = g.data()[i];
    m.add(x);
    REQUIRE((x >= 15e-6 && x <= 27e-6));  // little beyond 15.5 .. 26.5 uS
  }
  // 1e5 draws at 5 standard errors; a flat distribution has kurtosis 1.8.
  const double n = 1e5;
  CHECK(std::fabs(m.mean() - 21e-6) <= 5 * sigma / std::sqrt(n));
  CHECK(std::fabs(m.deviation() - sigma) <= 5 * sigma * std::sqrt(0.8 / (4 * n)));
}

TEST_CASE("twenty raw samples are drawn with their own deviation, not a narrower one") {
  // The exponential quantiles of 20 probabilities, a long tail, and a uniform sample; the bounds
  // are 5 standard errors of 1e5 draws with kurtosis below 9.
  const Folder folder("twenty");
  std::string text = "target_uS,sample_uS\n";
  Moments tail, flat;
  for (int i = 0; i < 20; ++i) {
    const double exponential = 2 - 3 * std::log(1 - (i + 0.5) / 20), uniform = 30 + i;
    text += fmt::format("0,{}\n40,{}\n", exponential, uniform);
    tail.add(exponential);
    flat.add(uniform);
  }
  folder.write("s.csv", text);
  const auto model = device(folder, "model = \"measured\"\nfile = \"s.csv\"" + kRange);
  for (const auto& [target, sample] : {std::pair{0.0f, &tail}, std::pair{40e-6f, &flat}}) {
    Moments m;
    const Matrix<float> g = drawn(*model, target, 0);
    for (Index i = 0; i < g.size(); ++i) m.add(1e6 * g.data()[i]);
    CHECK(std::fabs(m.mean() - sample->mean()) <= 5 * sample->deviation() / std::sqrt(1e5));
    CHECK(std::fabs(m.deviation() / sample->deviation() - 1) <= 5 * std::sqrt(8 / 4e5));
    CHECK(1e6 * model->sigma(static_cast<double>(target), 0) ==
          doctest::Approx(sample->deviation()).epsilon(1e-6));
  }
}

TEST_CASE("a table says the same in any unit, as CSV, .npy or HDF5") {
  const Folder folder("units");
  folder.write("a.csv",
               "target_uS,mean_uS,std_uS,time_s\n0,2,1,0\n40,38,3,0\n0,6,2,86400\n40,30,5,86400\n");
  folder.write("b.csv",
               "time_day;std_nS;target_S;mean_mS\n0;1000;0;0.002\n0;3000;40e-6;0.038\n"
               "1;2000;0;0.006\n1;5000;40e-6;0.030\n");
  const std::vector<float> numbers{0, 2, 1, 0, 40, 38, 3, 0, 0, 6, 2, 86400, 40, 30, 5, 86400};
  write_npy(folder / "c.npy", {4, 4}, numbers.data());
  {
    h5::Writer out(folder / "d.h5");
    const std::vector<double> wide(numbers.begin(), numbers.end());
    out.write("/relaxation", {4, 4}, wide.data());
    out.commit();
  }
  for (const std::string source : {"a.csv\"", "b.csv\"", "c.npy\"\nfile_unit = \"uS\"",
                                   "d.h5:/relaxation\"\nfile_unit = \"uS\""}) {
    CAPTURE(source);
    const auto model = device(folder, "model = \"measured\"\nfile = \"" + source + kRange);
    // Closed forms; no cell is near 0. From a first time of 0 on, moments are linear in t.
    CHECK(model->mean(20e-6, 0) == doctest::Approx(20e-6));
    CHECK(model->sigma(20e-6, 0) == doctest::Approx(2e-6));
    CHECK(model->mean(20e-6, 43200) == doctest::Approx(19e-6));
    CHECK(model->mean(20e-6, 86400) == doctest::Approx(18e-6));
    CHECK(model->sigma(30e-6, 86400) == doctest::Approx(4.25e-6));
    CHECK(model->latest_seconds() == 86400);
  }
  CHECK_THROWS_WITH(device(folder, "model = \"measured\"\nfile = \"c.npy\"" + kRange),
                    doctest::Contains("c.npy: a file without column names needs device.file_unit"));
}

TEST_CASE("a cell keeps its quantile over time") {
  // Uniform samples 10 .. 30 uS at 1 s and 15 .. 25 uS at 100 s, of either target: a cell at x
  // first is at 10 + x / 2 later, and at the mean of both half way in ln t.
  const Folder folder("quantile");
  std::string text = "target_uS,sample_uS,time_s\n";
  for (const int target : {0, 40})
    for (int i = 0; i <= 20; ++i)
      text += fmt::format("{},{},1\n{},{},100\n", target, 10 + i, target, 15 + 0.5 * i);
  folder.write("q.csv", text);
  const auto model = device(folder, "model = \"measured\"\nfile = \"q.csv\"" + kRange);
  const Matrix<float> at_1 = drawn(*model, 20e-6f, 1), at_10 = drawn(*model, 20e-6f, 10),
                      at_100 = drawn(*model, 20e-6f, 100);
  for (Index i = 0; i < at_1.size(); ++i) {
    const double first = 1e6 * at_1.data()[i];
    REQUIRE(std::fabs(1e6 * at_100.data()[i] - (10 + first / 2)) < 1e-4);
    REQUIRE(std::fabs(1e6 * at_10.data()[i] - (5 + 0.75 * first)) < 1e-4);
  }
  CHECK(model->mean(20e-6, 10) == doctest::Approx(20e-6));
  CHECK(model->sigma(20e-6, 10) == doctest::Approx(0.75e-6 * std::sqrt(21 * 22 / 12.0)));
}

TEST_CASE("what is wrong with a table is told with file, line and column") {
  const Folder folder("bad-table");
  const auto refuse = [&](const std::string& text, const std::string& message) {
    folder.write("t.csv", text);
    CAPTURE(text);
    CHECK_THROWS_WITH(device(folder, "model = \"measured\"\nfile = \"t.csv\"" + kRange),
                      doctest::Contains(message.c_str()));
  };
  refuse("target_uS,mean_uS,std_uS\n0,1,1\n40,nan,1\n", "t.csv:3:4: 'nan' is not a finite number");
  refuse("target_uS,mean_uS,mean_nS,std_uS\n0,1,1,1\n40,1,1,1\n",
         "t.csv:1:19: column mean_nS: there is a column mean already");
  refuse("target_uS,sample_uS,mean_uS,std_uS\n0,1,1,1\n40,1,1,1\n",
         "t.csv:1:1: a table has columns target_UNIT, mean_UNIT, std_UNIT, or target_UNIT, "
         "sample_UNIT");
  refuse("target_uS,mean_uS,std_uS,time_y\n0,1,1,1\n40,1,1,1\n",
         "t.csv:1:26: column time_y: unknown unit 'y' of a time; known are s, min, h, day");
  refuse("target_uS,mean_uS,std_uS,time_s\n0,1,1,1\n40,1,1,1\n0,1,1,9\n30,1,1,9\n",
         "t.csv:4:1: has other targets at 9 s");
  refuse("target_uS,mean_uS,std_uS\n0,1,1\n40,-3,1\n",
         "t.csv:3:4: -3 is negative; device.negative = \"clip\"");
  refuse("target_uS,mean_uS,std_uS\n0,1,1\n", "t.csv:2:1: 1 target; at least 2 are needed");
  refuse("target_uS,mean_uS,std_uS\n40,1,1\n0,1,1\n",
         "t.csv:3:1: target 0 uS comes after 40 uS; targets must ascend");
  refuse("target_uS,mean_uS,std_uS\n0,1,1\n0,1,1\n40,1,1\n",
         "t.csv:3:1: target 0 uS appears twice");
  refuse(
      "target_uS,mean_kS,std_uS\n0,1,1\n40,1,1\n",
      "t.csv:1:11: column mean_kS: unknown unit 'kS' of a conductance; known are S, mS, uS, nS, A, "
      "mA, uA, nA, Ohm, kOhm, MOhm");
  refuse("target_uS,average_uS,std_uS\n0,1,1\n40,1,1\n",
         "t.csv:1:1: a table has columns target_UNIT, mean_UNIT, std_UNIT, or target_UNIT, "
         "sample_UNIT; not read are 'average_uS'");
  refuse("target_uS,sample_uS\n0,1\n40,1\n",
         "t.csv:2:1: target 0 uS has 1 samples; at least 20 are needed");
  refuse("target_uS,mean_uS,std_uS\n5,1,1\n30,1,1\n",
         "t.csv: its targets 5 .. 30 uS do not cover device.g_min_uS .. g_max_uS = 0 .. 40");
  CHECK_THROWS_WITH(device(folder, "model = \"measured\"" + kRange),
                    doctest::Contains("device.file is missing"));
}

TEST_CASE("a read-out takes the place of programming, cut into tiles, with its reads as noise") {
  const Folder folder("chip");
  std::vector<double> g;  // 3 reads x 2 x 4 x 6
  for (int read = 0; read < 3; ++read)
    for (int i = 0; i < 48; ++i) g.push_back((i + 1 + (read - 1) * 0.5) * 1e-6);
  {
    h5::Writer out(folder / "chip.h5");
    out.write("/layers/fc/programmed", {3, 2, 4, 6}, g.data());
    g[7] = std::nan("");
    out.write("/layers/hole/programmed", {3, 2, 4, 6}, g.data());
    out.commit();
  }
  const auto chip =
      device(folder, "model = \"real_chip\"\nfile = \"chip.h5\"\ng_min_uS = 0\ng_max_uS = 50");
  const auto layer = of_layer(chip, "fc", 2, 4, 6);
  Cells cells;
  layer->program({.polarity = 1, .first_row = 1, .first_column = 2}, Matrix<float>(2, 3, 1e-6f),
                 cells);
  Matrix<float> now(2, 3), sigma(2, 3);
  layer->conductance(cells, 0, now);
  layer->read_sigma(cells, now, 0, sigma);
  for (Index r = 0; r < 2; ++r)
    for (Index c = 0; c < 3; ++c) {
      CHECK(now(r, c) == doctest::Approx(static_cast<double>(24 + 6 * (r + 1) + 2 + c + 1) * 1e-6));
      CHECK(sigma(r, c) == doctest::Approx(0.5e-6));
    }
  CHECK_THROWS_WITH(
      of_layer(chip, "fc", 2, 4, 7),
      doctest::Contains("/layers/fc/programmed is 3 x 2 x 4 x 6, the layer has 2 x 4 x 7"));
  CHECK_THROWS_WITH(of_layer(chip, "conv", 2, 4, 6),
                    doctest::Contains("the read-out has no layer conv"));
  CHECK_THROWS_WITH(
      of_layer(chip, "hole", 2, 4, 6),
      doctest::Contains("/layers/hole/programmed[0, 0, 1, 1] = nan is not a conductance (1 "
                        "such cells)"));
}
