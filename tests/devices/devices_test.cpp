#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "base/elementary.h"
#include "devices/catalogue.h"
#include "devices/gaussian.h"
#include "devices/lognormal.h"
#include "io/config.h"

using namespace ohmic;
using namespace ohmic::devices;

namespace {

/// A model of the catalogue from the text of its table.
std::shared_ptr<const DeviceModel> device(const std::string& text) {
  return make_device(parse_config(text, "test"), "device");
}

struct Sample {
  double mean = 0, variance = 0;
};

/// Moments of `count` conductances programmed to `target` [S].
Sample programmed(const DeviceModel& model, double target, Index count) {
  const RandomStream stream(17);
  constexpr Index kColumns = 1000;
  const Matrix<float> targets(count / kColumns, kColumns, static_cast<float>(target));
  Cells cells;
  model.program({.stream = &stream, .chip = 3, .layer = 1}, targets, cells);
  Matrix<float> g(targets.rows(), kColumns);
  model.conductance(cells, 0, g);
  Sample s;
  for (Index i = 0; i < g.size(); ++i) s.mean += g.data()[i] / static_cast<double>(g.size());
  for (Index i = 0; i < g.size(); ++i)
    s.variance += (g.data()[i] - s.mean) * (g.data()[i] - s.mean) / static_cast<double>(g.size());
  return s;
}

}  // namespace

TEST_CASE("every model of the catalogue keeps the contract") {
  for (const CatalogueEntry& entry : catalogue()) {
    if (entry.needs_file) continue;  // tests of their own
    CAPTURE(entry.name);
    const bool has_own_noise = entry.name == "sonos";  // its read noise is published, not chosen
    const auto model = device("model = \"" + std::string(entry.name) + "\"" +
                              (has_own_noise ? "" : "\nread_noise = 0.02\nread_noise_of = \"g\""));
    CHECK(model->g_min() < model->g_max());
    const std::string manual = entry.manual;
    CHECK((manual.find("Source:") != manual.npos || manual.find("arXiv") != manual.npos ||
           manual.find("doi") != manual.npos || manual.find("aihwkit") != manual.npos));
    for (const FieldManual& key : entry.keys()) CHECK(!key.meaning.empty());
    // Its own parameters make it again.
    const auto again = make_device(model->parameters(), "device");
    CHECK(to_toml(again->parameters()) == to_toml(model->parameters()));
    // Draws agree with the analytic moments: 1e5 cells, 5 standard errors; the kurtosis of a
    // rectified normal or a log-normal of sigma 0.5 stays below 9.
    constexpr Index n = 100000;
    for (const double fraction : {0.0, 0.1, 0.5, 1.0}) {
      const double g = model->g_min() + fraction * (model->g_max() - model->g_min());
      const Sample s = programmed(*model, g, n);
      const double sigma = model->sigma(g, 0), rounding = 1e-6 * g;
      CHECK(std::fabs(s.mean - model->mean(g, 0)) <= 5 * sigma / std::sqrt(n) + rounding);
      CHECK(std::fabs(std::sqrt(s.variance) - sigma) <=
            5 * sigma * std::sqrt(8.0 / (4 * n)) + rounding);
      CHECK(s.mean >= 0);
    }
    // Read noise is a fraction of g, as asked for.
    const Matrix<float> target(1, 3, 10e-6f);
    Cells cells;
    const RandomStream stream(1);
    model->program({.stream = &stream}, target, cells);
    Matrix<float> g(1, 3), sigma(1, 3);
    model->conductance(cells, 0, g);
    model->read_sigma(cells, g, 0, sigma);
    CHECK(!model->uniform_read_sigma());
    if (has_own_noise) continue;
    for (Index c = 0; c < 3; ++c) CHECK(sigma(0, c) == doctest::Approx(0.02 * g(0, c)));
  }
}

TEST_CASE(
    "log-normal factors have the stated moments, on the weight and on the device, mean-corrected "
    "and not") {
  constexpr Index n = 1000000;
  const RandomStream stream(2);
  const Matrix<float> w(n / 1000, 1000, 1.0f);
  for (const bool corrected : {false, true})
    for (const bool on_device : {false, true}) {
      LognormalParams params;
      params.sigma = 0.4;
      params.sigma_device = 0.3;
      params.mean_corrected = corrected;
      params.on_device = on_device;
      const auto model = make_lognormal(params);
      Matrix<float> factor(w.rows(), w.columns());
      if (on_device) {
        Cells cells;
        model->program({.stream = &stream}, w, cells);
        factor = cells.programmed;
      } else {
        REQUIRE(model->weights() != nullptr);
        model->weights()->perturb({.stream = &stream}, w, factor);
      }
      // ln of the factor is normal with s^2 = .16 + .09.
      double mean = 0, square = 0, average = 0;
      for (Index i = 0; i < factor.size(); ++i) {
        const double theta = std::log(static_cast<double>(factor.data()[i]));
        mean += theta / n;
        square += theta * theta / n;
        average += factor.data()[i] / static_cast<double>(n);
      }
      const double shift = corrected ? -0.125 : 0;
      CHECK(std::fabs(mean - shift) < 5 * 0.5 / std::sqrt(n));
      CHECK(std::fabs(std::sqrt(square - mean * mean) - 0.5) < 5 * 0.5 / std::sqrt(2.0 * n));
      const double expected = corrected ? 1 : std::exp(0.125);
      CHECK(std::fabs(average - expected) < 5 * expected * std::sqrt((std::exp(0.25) - 1) / n));
      CHECK((on_device ? model->mean(1, 0) : model->weights()->mean_of_cell(0, 1)) ==
            doctest::Approx(expected));
    }
}

TEST_CASE(
    "moments of a log-normal clipped at g_max, and of a weight's cell clipped at 0,  are those of "
    "its "
    "draws") {
  // 4e5 draws; 5 standard errors.
  constexpr Index n = 400000;
  const RandomStream stream(12);
  LognormalParams params;
  params.clip = true;
  params.on_device = true;
  const auto device_level = make_lognormal(params);
  for (const double fraction : {0.3, 0.8, 1.0}) {
    const double g = fraction * device_level->g_max();
    const Sample s = programmed(*device_level, g, n);
    const double sigma = device_level->sigma(g, 0);
    CHECK(std::fabs(s.mean - device_level->mean(g, 0)) < 5 * sigma / std::sqrt(n) + 1e-6 * g);
    CHECK(std::fabs(std::sqrt(s.variance) / sigma - 1) < 5 * std::sqrt(8.0 / (4 * n)));
  }
  for (const bool clip : {false, true})
    for (const double slope : {-20e-6, -5e-6, 18e-6}) {
      params.clip = clip;
      params.on_device = false;
      const auto weight_level = make_lognormal(params);
      const Matrix<float> w(n / 1000, 1000, 1.0f);
      Matrix<float> factor(n / 1000, 1000);
      weight_level->weights()->perturb({.stream = &stream}, w, factor);
      Matrix<float> aim(n / 1000, 1000);
      for (Index i = 0; i < n; ++i)
        aim.data()[i] = static_cast<float>(20e-6 + slope * factor.data()[i]);
      Cells cells;
      weight_level->program({.stream = &stream}, aim, cells);
      double mean = 0, square = 0;
      for (Index i = 0; i < n; ++i) {
        const double g = cells.programmed.data()[i];
        CHECK(g >= 0);
        mean += g / n;
        square += g * g / n;
      }
      const double sd = std::sqrt(square - mean * mean);
      CHECK(std::fabs(mean - weight_level->weights()->mean_of_cell(20e-6, slope)) <
            5 * sd / std::sqrt(n) + 1e-11);
    }
}

TEST_CASE("device-to-device parts stay over programmings and cycle-to-cycle parts do not") {
  const RandomStream stream(8);
  const Matrix<float> target(2, 50, 20e-6f);
  const auto once = [&](const std::string& text, Index chip, Index programming) {
    Cells cells;
    device(text)->program({.stream = &stream, .chip = chip, .programming = programming}, target,
                          cells);
    return cells.programmed;
  };
  for (const std::string model :
       {"model = \"gaussian\"\n", "model = \"lognormal\"\nvariation_on = \"device\"\n"}) {
    const std::string fixed = model + "sigma = 0\nsigma_device = 0.1", anew = model + "sigma = 0.1";
    CHECK(once(fixed, 1, 0) == once(fixed, 1, 5));
    CHECK(!(once(fixed, 1, 0) == once(fixed, 2, 0)));
    CHECK(!(once(anew, 1, 0) == once(anew, 1, 5)));
    CHECK(once(anew, 1, 5) == once(anew, 1, 5));
  }
}

TEST_CASE(
    "draws of layers, polarities, populations, chips and cells have distinct addresses: the "
    "numbers are uncorrelated") {
  const RandomStream stream(8);
  constexpr std::size_t n = 20000;
  const auto row = [&](const ProgramContext& context, Purpose part) {
    std::vector<float> z(n);
    context.normals(part, 0, z);
    return z;
  };
  const ProgramContext base{
      .stream = &stream, .chip = 1, .programming = 1, .layer = 1, .polarity = 0, .first_row = 1};
  std::vector<std::vector<float>> all{row(base, Purpose::cycle), row(base, Purpose::device)};
  for (int change = 0; change < 7; ++change) {
    ProgramContext other = base;
    if (change == 0) other.chip = 2;
    if (change == 1) other.programming = 2;
    if (change == 2) other.layer = 2;
    if (change == 3) other.polarity = 1;
    if (change == 4) other.first_row = 2;
    if (change == 5) other.population = Population::training;
    if (change == 6) other.population = Population::selection;
    all.push_back(row(other, Purpose::cycle));
  }
  for (std::size_t a = 0; a < all.size(); ++a)
    for (std::size_t b = a + 1; b < all.size(); ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(all[a][i]) * all[b][i];
      CHECK(std::fabs(sum / n) <
            5 / std::sqrt(double(n)));  // 36 pairs at 5 sigma: false alarm below 2.1e-5
    }
}

TEST_CASE("the rectified normal distribution's moments equal numerical integration") {
  for (const double mean : {-1.0, 0.0, 0.3, 2.0})
    for (const double sigma : {0.1, 1.0}) {
      double m = 0, s = 0;
      constexpr int kSteps = 200000;
      for (int i = 0; i < kSteps; ++i) {
        const double z = -9 + 18 * (i + 0.5) / kSteps, x = std::fmax(mean + sigma * z, 0.0);
        const double weight =
            std::exp(-z * z / 2) / std::sqrt(2 * 3.14159265358979323846) * 18 / kSteps;
        m += weight * x;
        s += weight * x * x;
      }
      CHECK(rectified_mean(mean, sigma) == doctest::Approx(m).epsilon(1e-6));
      CHECK(rectified_sigma(mean, sigma) == doctest::Approx(std::sqrt(s - m * m)).epsilon(1e-5));
    }
}

TEST_CASE(
    "proportional, absolute and inverse-proportional errors scale as their names say, and clipping "
    "cuts at g_max") {
  CHECK(spread(0.1, RelativeTo::g_max, 10e-6, 40e-6) == doctest::Approx(4e-6));
  CHECK(spread(0.1, RelativeTo::g, 10e-6, 40e-6) == doctest::Approx(1e-6));
  CHECK(spread(0.1, RelativeTo::inverse, 10e-6, 40e-6) == doctest::Approx(16e-6));
  CHECK(spread(0.1, RelativeTo::inverse, 0, 40e-6) == 0);
  const auto clipped = make_gaussian({.sigma = 0.3, .clip = true});
  const Sample s = programmed(*clipped, 40e-6, 100000);
  CHECK(s.mean == doctest::Approx(clipped->mean(40e-6, 0)).epsilon(2e-3));
  CHECK(std::sqrt(s.variance) == doctest::Approx(clipped->sigma(40e-6, 0)).epsilon(2e-2));
}

TEST_CASE("a device table with a fault is refused, naming key and value") {
  CHECK_THROWS_WITH_AS(device("model = \"lognrmal\""),
                       doctest::Contains("test:1:1: device.model = \"lognrmal\" is not one of "
                                         "ideal, lognormal, gaussian, uniform, wan2022"),
                       ConfigError);
  CHECK_THROWS_WITH_AS(device("model = \"lognrmal\""),
                       doctest::Contains("(did you mean 'lognormal'?)"), ConfigError);
  CHECK_THROWS_WITH_AS(
      device("model = \"wan2022\"\ng_max_uS = 50"),
      doctest::Contains("test:2:1: device.g_max_uS = 50 leaves the range 0 .. 40 uS of wan2022; "
                        "device.rescale = true stretches its formulas, device.outside_range = "
                        "\"allow\" carries them on"),
      ConfigError);
  CHECK(device("model = \"wan2022\"\ng_max_uS = 50\nrescale = true")->g_max() ==
        doctest::Approx(50e-6));
  CHECK_THROWS_WITH_AS(
      device("model = \"cmo_hfox\"\ng_min_uS = 1"),
      doctest::Contains("device.g_min_uS = 1 leaves the range 9 .. 88.199997 uS of cmo_hfox"),
      ConfigError);
  CHECK_THROWS_WITH_AS(
      device("model = \"ideal\"\ng_min_uS = 50"),
      doctest::Contains("test:2:1: device.g_min_uS = 50 is not below device.g_max_uS = 40"),
      ConfigError);
  CHECK_THROWS_WITH_AS(device("model = \"ideal\"\nread_noise = 0.1"),
                       doctest::Contains("device.read_noise = 0.1 needs device.read_noise_of"),
                       ConfigError);
  CHECK_THROWS_WITH_AS(device("model = \"ideal\"\nsigma = 0.1"),
                       doctest::Contains("test:2:1: unknown key device.sigma"), ConfigError);
}

TEST_CASE(
    "four million draws of every model have its mean and deviation, log-normal ones no skew in the "
    "log") {
  // 5 standard errors; the deviation's is sd sqrt((kurtosis - 1) / (4 n)) with the kurtosis of the
  // draws' own stated distribution bounded by 9 (log-normal of sigma .5: 8.9). False alarms below
  // 6e-7 each.
  constexpr Index n = 4000000;
  for (const CatalogueEntry& entry : catalogue()) {
    if (entry.needs_file || entry.name == "ideal") continue;
    CAPTURE(entry.name);
    const std::string extra = entry.name == "lognormal" ? "\nvariation_on = \"device\"" : "";
    const auto model = device("model = \"" + std::string(entry.name) + "\"" + extra);
    const double g = model->g_min() + 0.6 * (model->g_max() - model->g_min());
    const RandomStream stream(18);
    const Matrix<float> target(n / 4000, 4000, static_cast<float>(g));
    Cells cells;
    model->program({.stream = &stream, .chip = 5, .layer = 2}, target, cells);
    Matrix<float> now(target.rows(), target.columns());
    model->conductance(cells, 0, now);
    double sum = 0, square = 0;
    for (Index i = 0; i < n; ++i) {
      const double x = now.data()[i] / g - 1;
      sum += x;
      square += x * x;
    }
    const double root = std::sqrt(static_cast<double>(n));
    const double mean = sum / n, deviation = std::sqrt(square / n - mean * mean);
    const double expected = model->sigma(g, 0) / g;
    CHECK(std::fabs(mean + 1 - model->mean(g, 0) / g) <= 5 * expected / root + 1e-7);
    CHECK(std::fabs(deviation - expected) <= 5 * expected * std::sqrt(8 / 4.0) / root + 1e-7);
    if (entry.name != "lognormal") continue;
    double third = 0;
    for (Index i = 0; i < n; ++i) {
      const double theta = std::log(now.data()[i] / g) / 0.5;
      third += theta * theta * theta;
    }
    CHECK(std::fabs(third / n) <= 5 * std::sqrt(15.0) / root);
  }
}

TEST_CASE("layers of equal shape have draws of their own, and ageing twice is ageing once") {
  const RandomStream stream(3);
  for (const CatalogueEntry& entry : catalogue()) {
    if (entry.needs_file || entry.name == "ideal") continue;
    CAPTURE(entry.name);
    const auto model = device("model = \"" + std::string(entry.name) + "\"" +
                              (entry.name == "lognormal" ? "\nvariation_on = \"device\"" : ""));
    const auto g = static_cast<float>(model->g_min() + 0.6 * (model->g_max() - model->g_min()));
    const Matrix<float> target(100, 1000, g);
    Cells a, b;
    model->program({.stream = &stream, .layer = 1}, target, a);
    model->program({.stream = &stream, .layer = 2}, target, b);
    double both = 0, first = 0, second = 0, mean = model->mean(g, 0);
    Matrix<float> x(100, 1000), y(100, 1000);
    model->conductance(a, 0, x);
    model->conductance(b, 0, y);
    for (Index i = 0; i < x.size(); ++i) {
      both += (x.data()[i] - mean) * (y.data()[i] - mean);
      first += (x.data()[i] - mean) * (x.data()[i] - mean);
      second += (y.data()[i] - mean) * (y.data()[i] - mean);
    }
    // The correlation of independent samples has the deviation 1 / sqrt n: 5 of them.
    CHECK(std::fabs(both / std::sqrt(first * second)) <= 5 / std::sqrt(1e5));
    if (!model->changes_with_time()) continue;
    Matrix<float> once(100, 1000);
    model->conductance(a, 3600, once);
    model->conductance(a, 60, x);
    model->conductance(a, 3600, x);
    CHECK(x == once);
  }
}
