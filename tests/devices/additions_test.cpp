#include "devices/additions.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/elementary.h"
#include "base/statistics.h"
#include "devices/faults.h"
#include "devices/gaussian.h"
#include "devices/ideal.h"
#include "devices/lognormal.h"

using namespace ohmic;
using namespace ohmic::devices;

namespace {

constexpr double kMicro = 1e-6;
const RandomStream kStream(11);

std::shared_ptr<const DeviceModel> ideal() { return make_ideal({}); }

Matrix<float> conductances(const DeviceModel& model, const ProgramContext& context,
                           const Matrix<float>& target) {
  Cells cells;
  model.program(context, target, cells);
  Matrix<float> g(target.rows(), target.columns());
  model.conductance(cells, 0, g);
  return g;
}

/// Whether `hits` of n trials are what probability p gives, at 5 sigma (normal approximation: false
/// alarms below 1e-6 where n p is large).
bool is_share(double hits, double n, double p) {
  return std::fabs(hits - n * p) <= 5 * std::sqrt(n * p * (1 - p)) + 1;
}

}  // namespace

TEST_CASE("die-to-die variation is one factor per chip, in every layer and at every programming") {
  const auto model = with_structure(ideal(), {.sigma_die = 0.1});
  const Matrix<float> target(3, 5, 10e-6f);
  Moments factors;
  const Index chips = 4000;
  for (Index chip = 0; chip < chips; ++chip) {
    const ProgramContext at{.stream = &kStream, .chip = chip, .layer = 2};
    const Matrix<float> g = conductances(*model, at, target);
    for (Index i = 1; i < g.size(); ++i) REQUIRE(g.data()[i] == g.data()[0]);
    ProgramContext other = at;
    other.layer = 5;
    other.programming = 3;
    other.polarity = 1;
    REQUIRE(conductances(*model, other, target).data()[0] == g.data()[0]);
    factors.add(g.data()[0] / 10e-6);
  }
  const double n = static_cast<double>(chips);  // 5 sigma: false alarms below 6e-7 each
  CHECK(std::fabs(factors.mean() - 1) <= 5 * 0.1 / std::sqrt(n));
  CHECK(std::fabs(factors.deviation() - 0.1) <= 5 * 0.1 * std::sqrt(2 / (4 * n)));
  CHECK(model->sigma(10e-6, 0) == doctest::Approx(1e-6).epsilon(1e-6));
}

TEST_CASE("the correlated field has the correlation asked for at lags 1, 2, 5, across and along") {
  // Independent fields, one per layer and chip. Products of unit normals with correlation r have
  // the variance 1 + r^2; 5 sigma, false alarms below 6e-7 each.
  const double length = 4;
  const Index fields = 3000, size = 24;
  for (const Index lag : {1, 2, 5}) {
    double along = 0, across = 0, square = 0;
    for (Index chip = 0; chip < fields; ++chip) {
      const Matrix<float> f = correlated_field(
          {.stream = &kStream, .chip = chip, .layer = chip % 7}, size, size, length);
      along += f(3, 9) * f(3, 9 + lag);
      across += f(8, 2) * f(8 + lag, 2);
      square += f(20, 20) * f(20, 20);
    }
    const double n = static_cast<double>(fields), r = std::exp(-static_cast<double>(lag) / length);
    CHECK(std::fabs(along / n - r) <= 5 * std::sqrt((1 + r * r) / n));
    CHECK(std::fabs(across / n - r) <= 5 * std::sqrt((1 + r * r) / n));
    CHECK(std::fabs(square / n - 1) <= 5 * std::sqrt(2 / n));
  }
}

TEST_CASE("the correlated field does not depend on how a layer is tiled") {
  const ProgramContext whole{.stream = &kStream, .chip = 3, .layer = 1};
  const Matrix<float> field = correlated_field(whole, 30, 40, 6);
  ProgramContext part = whole;
  part.first_row = 11;
  part.first_column = 17;
  part.polarity = 1;  // the neighbour in its pair sits at the same place
  const Matrix<float> tile = correlated_field(part, 9, 13, 6);
  for (Index r = 0; r < 9; ++r)
    for (Index c = 0; c < 13; ++c) CHECK(tile(r, c) == field(11 + r, 17 + c));
}

TEST_CASE("fault rates asked for are fault rates drawn, and maps at growing rates nest") {
  const Index rows = 600, columns = 900;
  const double n = static_cast<double>(rows * columns);
  const ProgramContext at{.stream = &kStream, .chip = 1};
  const FaultParams low{
      .stuck_at_g_min = 0.01, .stuck_at_g_max = 0.02, .stuck_at_given = 0.005, .given = 1e-3};
  FaultParams high = low;
  high.stuck_at_g_min *= 3;
  high.stuck_at_g_max *= 3;
  high.stuck_at_given *= 3;
  const auto few = draw_faults(low, at, rows, columns), many = draw_faults(high, at, rows, columns);
  std::array<double, 6> count{};
  for (Index i = 0; i < few.size(); ++i) {
    ++count[few.data()[i]];
    if (few.data()[i]) REQUIRE(many.data()[i] == few.data()[i]);
  }
  CHECK(is_share(count[1], n, 0.01));
  CHECK(is_share(count[2], n, 0.02));
  CHECK(is_share(count[3], n, 0.005));
  CHECK(count[4] + count[5] == 0);
  // Faults are made with the chip: another programming keeps them, another chip or polarity does
  // not.
  ProgramContext again = at, other = at;
  again.programming = 9;
  other.polarity = 1;
  CHECK(draw_faults(low, again, rows, columns) == few);
  const auto fresh = draw_faults(low, other, rows, columns);
  double both = 0;
  for (Index i = 0; i < few.size(); ++i) both += few.data()[i] && fresh.data()[i];
  CHECK(is_share(both, n, 0.035 * 0.035));
  // A tile of the same layer has the same broken cells.
  ProgramContext tile = at;
  tile.first_row = 100;
  tile.first_column = 333;
  const auto part = draw_faults(low, tile, 50, 70);
  for (Index r = 0; r < 50; ++r)
    for (Index c = 0; c < 70; ++c) REQUIRE(part(r, c) == few(100 + r, 333 + c));
}

TEST_CASE(
    "dead lines are wires of one tile: every tile draws its own, and keeps them over "
    "programmings") {
  const FaultParams params{.dead_rows = 0.2, .dead_columns = 0.2};
  const Index size = 400;
  const auto lines = [&](const ProgramContext& at, bool bit) {
    const auto faults = draw_faults(params, at, size, size);
    std::vector<bool> dead;
    for (Index i = 0; i < size; ++i) {
      bool all = true;
      for (Index k = 0; k < size; ++k) all = all && (bit ? faults(i, k) : faults(k, i)) != 0;
      dead.push_back(all);
    }
    return dead;
  };
  // Two tiles on the same columns of the weight grid: 5 sigma around .2 x .2 lines dead in both.
  ProgramContext first{.stream = &kStream, .chip = 8, .layer = 3, .tile = 0},
      second{.stream = &kStream, .chip = 8, .layer = 3, .tile = 1};
  for (const bool bit : {false, true}) {
    double both = 0;
    const auto a = lines(first, bit), b = lines(second, bit);
    for (std::size_t i = 0; i < a.size(); ++i) both += a[i] && b[i];
    CHECK(is_share(both, static_cast<double>(size), 0.04));
    ProgramContext again = first, moved = first;
    again.programming = 7;
    moved.first_row = moved.first_column = 90;  // where the tile lies makes no other wires
    CHECK(lines(again, bit) == a);
    CHECK(lines(moved, bit) == a);
    for (const Population other :
         {Population::selection, Population::training, Population::compensator}) {
      ProgramContext of_other = first;
      of_other.population = other;
      CHECK(lines(of_other, bit) != a);
    }
  }
}

TEST_CASE("every micro-batch of a training step meets a chip of its own") {
  ProgramContext one{.stream = &kStream, .population = Population::training, .chip = 4, .layer = 1},
      other = one;
  other.programming = 1;
  std::vector<float> a(64), b(64);
  for (const Purpose part : {Purpose::device, Purpose::cycle, Purpose::drift}) {
    one.normals(part, 0, a);
    other.normals(part, 0, b);
    CHECK(a != b);
  }
  // A chip that is programmed twice keeps what its devices were made with.
  one.population = other.population = Population::reported;
  one.normals(Purpose::device, 0, a);
  other.normals(Purpose::device, 0, b);
  CHECK(a == b);
}

TEST_CASE("a dead line takes all of its cells, word lines in both devices of a pair") {
  const FaultParams params{.dead_rows = 0.1, .dead_columns = 0.05};
  const Index rows = 400, columns = 500;
  ProgramContext at{.stream = &kStream, .chip = 8, .layer = 3};
  const auto positive = draw_faults(params, at, rows, columns);
  at.polarity = 1;
  const auto negative = draw_faults(params, at, rows, columns);
  double dead_words = 0, dead_bits = 0;
  for (Index c = 0; c < columns; ++c) {
    bool all = true, same = true;
    for (Index r = 0; r < rows; ++r) {
      all = all && positive(r, c) != 0;
      same = same && (positive(r, c) != 0 || negative(r, c) == 0 || negative(r, c) == 5);
    }
    dead_words += all;
    CHECK(same);
  }
  for (Index r = 0; r < rows; ++r) dead_bits += positive(r, 0) == 5;
  CHECK(is_share(dead_words, static_cast<double>(columns), 0.1));
  CHECK(is_share(dead_bits, static_cast<double>(rows), 0.05));
  const auto model = ideal();
  CHECK(broken_conductance(Fault::dead_row, params, *model) == 0);
  CHECK(broken_conductance(Fault::stuck_at_g_max, params, *model) == model->g_max());
  CHECK(broken_conductance(Fault::stuck_at_given, {.given = 5e-3}, *model) == 5e-3);
}

TEST_CASE("redrawing until a read passes gives geometric pulses and a truncated normal") {
  // Closed forms: p = erf(tolerance / (s sqrt 2)); mean pulses 1/p, variance (1-p)/p^2; deviation
  // of the result that of a normal distribution truncated at +- tolerance. 5 sigma, false alarms
  // below 6e-7.
  GaussianParams gaussian;
  gaussian.sigma = 0.05;  // 2 uS
  const double s = 2 * kMicro, tolerance = 1.2 * kMicro;
  const auto model = with_write_verify(
      make_gaussian(gaussian), {.verifies = true, .tolerance = tolerance, .pulse_limit = 200});
  const Index n = 200000;
  Cells cells;
  model->program({.stream = &kStream, .chip = 2}, Matrix<float>(n / 500, 500, 20e-6f), cells);
  const ConstView<float> pulses = cells.plane(kPulsePlane);
  Moments count, result;
  for (Index r = 0; r < pulses.rows(); ++r)
    for (Index c = 0; c < pulses.columns(); ++c) {
      count.add(pulses(r, c));
      result.add(cells.programmed(r, c) - 20e-6);
      REQUIRE(std::fabs(cells.programmed(r, c) - 20e-6) <= tolerance * (1 + 1e-5));
    }
  const double p = std::erf(tolerance / (s * std::sqrt(2.0))),
               root = std::sqrt(static_cast<double>(n));
  CHECK(std::fabs(count.mean() - 1 / p) <= 5 * std::sqrt((1 - p) / (p * p)) / root);
  const double a = tolerance / s, density = std::exp(-a * a / 2) / std::sqrt(2 * std::acos(-1.0));
  const double left = s * std::sqrt(1 - 2 * a * density / p);
  CHECK(std::fabs(result.mean()) <= 5 * left / root);
  CHECK(std::fabs(result.deviation() - left) <= 5 * left / (std::sqrt(2.0) * root));
  CHECK(model->sigma(20e-6, 0) == doctest::Approx(left).epsilon(1e-6));
}

TEST_CASE("pulses of fixed size walk to the target in as many steps as it takes") {
  GaussianParams exact;
  exact.sigma = 0;
  // The first programming lands on the target: nothing is left to do.
  const auto done = with_write_verify(make_gaussian(exact),
                                      {.verifies = true, .pulse = ProgrammingLoop::Pulse::step});
  Cells cells;
  done->program({.stream = &kStream}, Matrix<float>(2, 2, 20e-6f), cells);
  for (Index i = 0; i < 4; ++i) CHECK(cells.plane(kPulsePlane).data()[i] == 1);
  // A die factor of 1.5 leaves every cell 10 uS too high; steps of .8 uS times 1.5 get it within 1
  // uS.
  const RandomStream stream(1);
  const auto walks = with_write_verify(with_structure(make_gaussian(exact), {.sigma_die = 0.5}),
                                       {.verifies = true,
                                        .pulse = ProgrammingLoop::Pulse::step,
                                        .tolerance = 1e-6,
                                        .step = 0.8e-6,
                                        .step_sigma = 0});
  for (Index chip = 0; chip < 20; ++chip) {
    const ProgramContext at{.stream = &stream, .chip = chip};
    walks->program(at, Matrix<float>(1, 1, 20e-6f), cells);
    float z = 0;
    at.normals(Purpose::device, 0, {&z, 1}, 1);
    const double factor = std::max(1 + 0.5 * static_cast<double>(z), 0.0);
    double g = 20e-6;
    Index pulses = 1;
    while (pulses < 100 && std::fabs(g * factor - 20e-6) > 1e-6) {
      g = std::max(g + (g * factor < 20e-6 ? 0.8e-6 : -0.8e-6), 0.0);
      ++pulses;
    }
    CHECK(cells.plane(kPulsePlane)(0, 0) == pulses);
  }
}

TEST_CASE("telegraph noise is a stationary two-state chain inside a block of reads") {
  // 400 x 500 cells, 60 % of them with a trap; shares and the lag correlation at 5 sigma.
  const TelegraphParams params{
      .fraction = 0.6, .amplitude = 0.25, .trapped = 0.3, .correlation_reads = 3};
  const auto model = with_telegraph(ideal(), params);
  const Index rows = 400, columns = 500;
  const double cells_count = static_cast<double>(rows * columns);
  Cells cells;
  model->program({.stream = &kStream, .chip = 1}, Matrix<float>(rows, columns, 20e-6f), cells);
  double traps = 0;
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c) traps += cells.plane("telegraph_trap")(r, c);
  CHECK(is_share(traps, cells_count, 0.6));
  CellRead read{.stream = &kStream, .chip = 1, .layer = 0, .sample = 5};
  CellMemory memory;
  std::vector<Matrix<float>> seen;
  for (read.position = 0; read.position < 7; ++read.position) {
    Matrix<float> g(rows, columns, 20e-6f);
    model->cell_reads()->apply(cells, 0, read, memory, g);
    seen.push_back(g);
  }
  const auto is_low = [](float g) { return g < 19e-6f; };
  for (const Matrix<float>& g : {seen[0], seen[6]}) {
    double low = 0;
    for (Index i = 0; i < g.size(); ++i) {
      low += is_low(g.data()[i]);
      REQUIRE((is_low(g.data()[i]) ? g.data()[i] == 15e-6f : g.data()[i] == 20e-6f));
    }
    CHECK(is_share(low, traps, 0.3));
  }
  for (const std::size_t lag : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    double both = 0;
    for (Index i = 0; i < rows * columns; ++i)
      both += is_low(seen[0].data()[i]) && is_low(seen[lag].data()[i]);
    const double r = std::exp(-static_cast<double>(lag) / 3);
    CHECK(is_share(both, traps, 0.3 * 0.3 + r * 0.3 * 0.7));
  }
  // A read by itself is the same read: nothing depends on what was read before.
  read.position = 4;
  CellMemory fresh;
  Matrix<float> alone(rows, columns, 20e-6f);
  model->cell_reads()->apply(cells, 0, read, fresh, alone);
  CHECK(alone == seen[4]);
  // Another image starts anew.
  read.sample = 6;
  read.position = 0;
  Matrix<float> other(rows, columns, 20e-6f);
  model->cell_reads()->apply(cells, 0, read, memory, other);
  double both = 0;
  for (Index i = 0; i < other.size(); ++i)
    both += is_low(other.data()[i]) && is_low(seen[6].data()[i]);
  CHECK(is_share(both, traps, 0.3 * 0.3));
}

TEST_CASE("an addition hands on what only some models do") {
  const auto on_weight = make_lognormal({.sigma = 0.3});
  REQUIRE(on_weight->weights() != nullptr);
  const auto structured = with_structure(on_weight, {.sigma_die = 0.1});
  CHECK(structured->weights() == on_weight->weights());
  CHECK(structured->cell_reads() == nullptr);
  const auto trapped = with_telegraph(structured, {.fraction = 0.2, .amplitude = 0.1});
  CHECK(trapped->weights() == on_weight->weights());
  CHECK(with_structure(trapped, {.sigma_die = 0.1})->cell_reads() == trapped->cell_reads());
  CHECK(trapped->cell_reads() != nullptr);
  CHECK(ideal()->weights() == nullptr);
}
