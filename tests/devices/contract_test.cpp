#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "devices/catalogue.h"
#include "devices/wan2022.h"
#include "io/config.h"

/// What every model of the catalogue must do, whatever its physics. Statistical bounds are 5
/// standard errors at fixed seeds: about 650 comparisons, false alarms below 4e-4 for the whole
/// file.
using namespace ohmic;
using namespace ohmic::devices;

namespace {

const RandomStream kStream(29);

std::shared_ptr<const DeviceModel> device(const std::string& text) {
  return make_device(parse_config(text, "test"), "device");
}

struct NamedModel {
  std::string name;
  std::shared_ptr<const DeviceModel> model;
};

/// Every model that needs no file, as devices (log-normal's default acts on weights), and each
/// choice that changes a law.
std::vector<NamedModel> models() {
  std::vector<NamedModel> list;
  const auto add = [&](const std::string& name, const std::string& more) {
    list.push_back({name + " " + more, device("model = \"" + name + "\"\n" + more)});
  };
  for (const CatalogueEntry& entry : catalogue())
    if (!entry.needs_file)
      add(std::string(entry.name), entry.name == "lognormal" ? "variation_on = \"device\"" : "");
  add("wan2022", "fit = \"crosssim\"");
  add("cmo_hfox", "acceptance = \"2%\"");
  return list;
}

Cells programmed(const DeviceModel& model, const ProgramContext& context,
                 const Matrix<float>& target) {
  Cells cells;
  model.program(context, target, cells);
  return cells;
}

Matrix<float> aged(const DeviceModel& model, const Cells& cells, double seconds) {
  Matrix<float> g(cells.target.rows(), cells.target.columns());
  model.conductance(cells, seconds, g);
  return g;
}

/// Targets over the whole range of a model.
Matrix<float> ramp(const DeviceModel& model, Index rows, Index columns) {
  Matrix<float> target(rows, columns);
  for (Index i = 0; i < target.size(); ++i)
    target.data()[i] = static_cast<float>(model.g_min() + (model.g_max() - model.g_min()) *
                                                              static_cast<double>(i % 97) / 96);
  return target;
}

/// Mean and central moments of a sample, two passes.
struct Sample {
  double n = 0, mean = 0, second = 0, third = 0, fourth = 0;
  template <class Value>
  Sample(Index count, Value value) : n(static_cast<double>(count)) {
    for (Index i = 0; i < count; ++i) mean += value(i) / n;
    for (Index i = 0; i < count; ++i) {
      const double d = value(i) - mean, square = d * d;
      second += square / n;
      third += square * d / n;
      fourth += square * square / n;
    }
  }
  double deviation() const { return std::sqrt(second); }
  double skewness() const { return third / (second * deviation()); }
  /// Standard error of the deviation, by the sample's own kurtosis (distributions here have all
  /// moments, and samples are large).
  double deviation_error() const {
    return deviation() * std::sqrt((fourth / (second * second) - 1) / (4 * n));
  }
};

void check_moments(const DeviceModel& model, const Matrix<float>& g, double target,
                   double seconds) {
  CAPTURE(seconds);
  const Sample s(g.size(), [&](Index i) { return static_cast<double>(g.data()[i]); });
  const double sigma = model.sigma(target, seconds), rounding = 1e-7 * target + 1e-15;
  CHECK(std::fabs(s.mean - model.mean(target, seconds)) <= 5 * sigma / std::sqrt(s.n) + rounding);
  if (sigma == 0)
    CHECK(s.deviation() <= rounding);
  else
    CHECK(std::fabs(s.deviation() - sigma) <= 5 * s.deviation_error() + rounding);
}

double correlation(const Matrix<float>& a, const Matrix<float>& b) {
  const Index n = a.size();
  const Sample x(n, [&](Index i) { return static_cast<double>(a.data()[i]); });
  const Sample y(n, [&](Index i) { return static_cast<double>(b.data()[i]); });
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += (a.data()[i] - x.mean) * (b.data()[i] - y.mean);
  return sum / (x.n * x.deviation() * y.deviation());
}

/// What a programming drew: every plane of the state and the programmed conductances.
std::vector<std::pair<std::string, Matrix<float>>> draws(const Cells& cells) {
  std::vector<std::pair<std::string, Matrix<float>>> all{{"programmed", cells.programmed}};
  for (const NamedPlane& plane : cells.state) all.emplace_back(plane.name, plane.values);
  return all;
}

}  // namespace

TEST_CASE("four million cells of each model have its mean, deviation and skewness") {
  // 1e6 at each of four targets when programmed, 1e5 at later times. The error of one programming
  // is symmetric where no cell stands at a bound: normal (variance of the skewness 6 / n), uniform
  // (2.057 / n from its sixth moment), log-normal in ln g.
  for (const auto& [name, model] : models()) {
    CAPTURE(name);
    for (const double fraction : {0.0, 0.1, 0.5, 1.0}) {
      const auto target =
          static_cast<float>(model->g_min() + fraction * (model->g_max() - model->g_min()));
      CAPTURE(target);
      const ProgramContext at{.stream = &kStream, .chip = 3, .layer = 1};
      const Cells cells = programmed(*model, at, Matrix<float>(1000, 1000, target));
      check_moments(*model, aged(*model, cells, 0), target, 0);
      const float* g = cells.programmed.data();
      const auto [low, high] = std::minmax_element(g, g + cells.programmed.size());
      const bool is_clipped =
          *low <= 0 || (name.starts_with("cmo") && (fraction == 0 || fraction == 1));
      if (!is_clipped && *low < *high) {
        const bool is_log = name.starts_with("lognormal");
        const Sample s(cells.programmed.size(), [&](Index i) {
          return is_log ? std::log(static_cast<double>(g[i])) : static_cast<double>(g[i]);
        });
        CHECK(std::fabs(s.skewness()) <=
              5 * std::sqrt((name.starts_with("uniform") ? 2.057 : 6.0) / s.n));
      }
      if (!model->changes_with_time()) continue;
      const Cells few = programmed(*model, at, Matrix<float>(400, 1000, target));
      for (const double seconds : {1.0, 3600.0, std::min(model->latest_seconds(), 31536000.0)})
        check_moments(*model, aged(*model, few, seconds), target, seconds);
    }
  }
}

TEST_CASE("weights under log-normal variation have a symmetric logarithm of the stated moments") {
  const auto model = device("model = \"lognormal\"\nsigma = 0.5");
  const Matrix<float> w(2000, 2000, 1.0f);
  Matrix<float> factor(2000, 2000);
  REQUIRE(model->weights() != nullptr);
  model->weights()->perturb({.stream = &kStream, .chip = 4}, w, factor);
  const Sample s(factor.size(),
                 [&](Index i) { return std::log(static_cast<double>(factor.data()[i])); });
  CHECK(std::fabs(s.mean) <= 5 * 0.5 / std::sqrt(s.n));
  CHECK(std::fabs(s.deviation() - 0.5) <= 5 * 0.5 / std::sqrt(2 * s.n));
  CHECK(std::fabs(s.skewness()) <= 5 * std::sqrt(6 / s.n));
}

TEST_CASE("normals have the tail of a normal distribution beyond four deviations") {
  // 4e7 draws; the number beyond 4 is Poisson with mean 4e7 erfc(4 / sqrt 2) = 2533.7.
  constexpr Index kRows = 40, kColumns = 1000000;
  std::vector<float> z(kColumns);
  const ProgramContext at{.stream = &kStream, .chip = 6};
  double beyond = 0, above = 0;
  for (Index row = 0; row < kRows; ++row) {
    at.normals(Purpose::cycle, row, z);
    for (const float x : z) {
      beyond += std::fabs(x) > 4;
      above += x > 4;
    }
  }
  const double expected = static_cast<double>(kRows * kColumns) * std::erfc(4 / std::sqrt(2.0));
  CHECK(std::fabs(beyond - expected) <= 5 * std::sqrt(expected));
  CHECK(std::fabs(above - expected / 2) <= 5 * std::sqrt(expected / 2));
}

TEST_CASE("ageing is a function of the programmed state and the time alone") {
  for (const auto& [name, model] : models()) {
    CAPTURE(name);
    const Cells cells = programmed(*model, {.stream = &kStream, .chip = 1}, ramp(*model, 20, 100));
    const auto before = draws(cells);
    const double late = std::min(model->latest_seconds(), 31536000.0);
    const Matrix<float> at_once = aged(*model, cells, late);
    const Matrix<float> first = aged(*model, cells, 0);
    aged(*model, cells, 3600);
    CHECK(aged(*model, cells, late) == at_once);
    CHECK((first == at_once) == !model->changes_with_time());
    CHECK(draws(cells) == before);
    CHECK(*std::min_element(at_once.data(), at_once.data() + at_once.size()) >= 0);
  }
}

TEST_CASE("drift exponents and relaxations stay with their device over times and reads") {
  // The frozen read term set to 0, each time gives the device's exponent (or normal) back.
  const auto without_read = [](const DeviceModel& model) {
    Cells cells = programmed(model, {.stream = &kStream, .chip = 2},
                             Matrix<float>(1, 1000, static_cast<float>(0.6 * model.g_max())));
    cells.plane_of("read_z").fill(0);
    return cells;
  };
  for (const auto& [name, t0] : std::vector<std::pair<std::string, double>>{
           {"pcm_like", 20}, {"hermes", 300}, {"hermes_single", 200}, {"state_independent", 20}}) {
    CAPTURE(name);
    const auto model = device("model = \"" + name + "\"");
    const Cells cells = without_read(*model);
    const Matrix<float> start = aged(*model, cells, 0), hour = aged(*model, cells, 3600),
                        year = aged(*model, cells, 31536000);
    std::vector<double> exponents;
    for (Index i = 0; i < start.size(); ++i) {
      const double after_hour =
          std::log(static_cast<double>(start.data()[i]) / hour.data()[i]) / std::log1p(3600 / t0);
      const double after_year = std::log(static_cast<double>(start.data()[i]) / year.data()[i]) /
                                std::log1p(31536000 / t0);
      CHECK(std::fabs(after_hour - after_year) < 1e-6);  // single precision
      exponents.push_back(after_year);
    }
    const auto [low, high] = std::minmax_element(exponents.begin(), exponents.end());
    CHECK(*low >= 0);
    CHECK(*high > *low + 0.01);  // devices differ
  }
  const auto cmo = device("model = \"cmo_hfox\"");
  const Cells cells = without_read(*cmo);
  const Matrix<float> hour = aged(*cmo, cells, 3600), year = aged(*cmo, cells, 31536000);
  const auto normal = [&](const Matrix<float>& g, Index i, double t) {
    return ((static_cast<double>(g.data()[i]) - cells.programmed.data()[i]) * 1e6 +
            0.08900206 * std::log(t)) /
           (0.41183342 + 0.04201137 * std::log(t));
  };
  for (Index i = 0; i < hour.size(); ++i)
    CHECK(std::fabs(normal(hour, i, 3600) - normal(year, i, 31536000)) < 1e-4);
  const auto wan = device("model = \"wan2022\"");
  const Cells one = programmed(*wan, {.stream = &kStream}, Matrix<float>(1, 1000, 20e-6f));
  const Matrix<float> second = aged(*wan, one, 1), days = aged(*wan, one, 172800);
  for (Index i = 0; i < second.size(); ++i) {
    if (days.data()[i] == 0) continue;  // cut
    const auto z = [&](const Matrix<float>& g, double t) {
      return (1e6 * g.data()[i] - 20) / wan2022_sigma(Wan2022Fit::aihwkit, 20, t);
    };
    CHECK(std::fabs(z(second, 1) - z(days, 172800)) < 1e-5);
  }
}

TEST_CASE("no two arrays share a draw, and no two parts of one array do") {
  constexpr Index kRows = 100, kColumns = 400;
  const double bound = 5 / std::sqrt(static_cast<double>(kRows * kColumns));
  for (const auto& [name, model] : models()) {
    CAPTURE(name);
    const Matrix<float> target(kRows, kColumns,
                               static_cast<float>(0.5 * (model->g_min() + model->g_max())));
    const ProgramContext base{.stream = &kStream, .chip = 1, .programming = 1, .layer = 1};
    const auto own = draws(programmed(*model, base, target));
    for (std::size_t a = 1; a < own.size(); ++a)
      for (std::size_t b = a + 1; b < own.size(); ++b) {
        CAPTURE(own[a].first);
        CAPTURE(own[b].first);
        CHECK(std::fabs(correlation(own[a].second, own[b].second)) <= bound);
      }
    for (int change = 0; change < 8; ++change) {
      ProgramContext other = base;
      if (change == 0) other.chip = 2;
      if (change == 1) other.programming = 2;
      if (change == 2) other.layer = 2;
      if (change == 3) other.polarity = 1;
      if (change == 4) other.slice = 1;
      if (change == 5) other.population = Population::training;
      if (change == 6) other.population = Population::selection;
      if (change == 7) other.attempt = 1;
      CAPTURE(change);
      const auto theirs = draws(programmed(*model, other, target));
      REQUIRE(theirs.size() == own.size());
      for (std::size_t a = 0; a < own.size(); ++a) {
        if (own[a].second.data()[0] == own[a].second.data()[1]) continue;  // ideal draws nothing
        CAPTURE(own[a].first);
        CHECK(std::fabs(correlation(own[a].second, theirs[a].second)) <= bound);
      }
    }
  }
}

TEST_CASE("targets stay as they are, and a tile is cut from its layer bit for bit") {
  for (const auto& [name, model] : models()) {
    CAPTURE(name);
    const Matrix<float> target = ramp(*model, 12, 50);
    const ProgramContext whole{.stream = &kStream, .chip = 5, .layer = 2, .polarity = 1};
    const Cells cells = programmed(*model, whole, target);
    const Matrix<float> late = aged(*model, cells, 3600);
    Matrix<float> sigma(12, 50);
    model->read_sigma(cells, late, 3600, sigma);
    CHECK(cells.target == target);
    ProgramContext part = whole;
    part.first_row = 3;
    part.first_column = 5;  // inside a block of four draws
    const auto cut = [](const Matrix<float>& m) {
      return Matrix<float>(m.view().block(3, 5, 7, 31));
    };
    const Cells tile = programmed(*model, part, cut(target));
    CHECK(tile.programmed == cut(cells.programmed));
    CHECK(aged(*model, tile, 3600) == cut(late));
    for (const NamedPlane& plane : cells.state)
      CHECK(Matrix<float>(tile.plane(plane.name)) == cut(plane.values));
  }
}
