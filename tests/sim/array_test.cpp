#include "sim/array.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/elementary.h"
#include "devices/gaussian.h"
#include "devices/ideal.h"
#include "devices/lognormal.h"
#include "devices/pcm_like.h"
#include "devices/variation_structure.h"

using namespace ohmic;
using namespace ohmic::sim;

namespace {

Matrix<float> ramp(Index rows, Index columns) {
  Matrix<float> u(rows, columns);
  for (Index i = 0; i < u.size(); ++i)
    u.data()[i] = -1.0f + 2.0f * static_cast<float>(i) / static_cast<float>(u.size() - 1);
  return u;
}

}  // namespace

TEST_CASE(
    "weight-level log-normal variation multiplies the read-back weight and is mapped without "
    "quantising again") {
  devices::LognormalParams params;
  params.cell.levels = 16;
  const auto device = devices::make_lognormal(params);
  const MappingRule rule(Mapping::differential, device->g_min(), device->g_max(), device->levels());
  const Matrix<float> u = ramp(8, 50);
  const RandomStream stream(3);
  const devices::ProgramContext context{.stream = &stream, .chip = 1, .layer = 2};
  const Array array = program_array(device, rule, u, context, Programming::drawn, 0);
  Matrix<float> theta(8, 50);
  for (Index r = 0; r < 8; ++r) context.normals(Purpose::cycle, r, {theta.row(r), 50});
  bool beyond = false;
  for (Index r = 0; r < 8; ++r)
    for (Index c = 0; c < 50; ++c) {
      const double clean = rule.weight(rule.target(u(r, c)));
      const double found = rule.weight({array.conductance(0)(r, c), array.conductance(1)(r, c)});
      CHECK(found == doctest::Approx(clean * elementary::exp(0.5 * theta(r, c))).epsilon(1e-4));
      CHECK(array.cells(0).target(r, c) == doctest::Approx(rule.target(u(r, c)).positive));
      beyond = beyond || array.conductance(0)(r, c) > device->g_max();
    }
  CHECK(beyond);  // allowed: the model is the weight's
}

TEST_CASE("at_target programs the targets and at_mean the model's means") {
  const auto device = devices::make_gaussian({.sigma = 0.2});
  const MappingRule rule(Mapping::differential, device->g_min(), device->g_max(), device->levels());
  const Matrix<float> u = ramp(3, 20);
  const Array target = program_array(device, rule, u, {}, Programming::at_target, 0);
  const Array mean = program_array(device, rule, u, {}, Programming::at_mean, 0);
  for (Index r = 0; r < 3; ++r)
    for (Index c = 0; c < 20; ++c) {
      CHECK(target.conductance(0)(r, c) == target.cells(0).target(r, c));
      CHECK(mean.conductance(1)(r, c) ==
            doctest::Approx(device->mean(target.conductance(1)(r, c), 0)).epsilon(1e-6));
    }
  const auto weight_level = devices::make_lognormal({});
  const Array shifted = program_array(weight_level, rule, u, {}, Programming::at_mean, 0);
  CHECK(rule.weight({shifted.conductance(0)(2, 19), shifted.conductance(1)(2, 19)}) ==
        doctest::Approx(std::exp(0.125)).epsilon(1e-5));
}

TEST_CASE(
    "a block of an array is programmed as the whole would be: draws follow weight coordinates") {
  for (const auto& device : {devices::make_lognormal({}), devices::make_gaussian({})}) {
    const MappingRule rule(Mapping::differential_two_sided, device->g_min(), device->g_max(),
                           device->levels());
    const Matrix<float> u = ramp(10, 30);
    const RandomStream stream(5);
    const Array whole =
        program_array(device, rule, u, {.stream = &stream, .chip = 7}, Programming::drawn, 0);
    const Array part = program_array(
        device, rule, u.view().block(3, 13, 4, 11),
        {.stream = &stream, .chip = 7, .first_row = 3, .first_column = 13}, Programming::drawn, 0);
    for (std::size_t p = 0; p < 2; ++p)
      for (Index r = 0; r < 4; ++r)
        for (Index c = 0; c < 11; ++c)
          CHECK(part.conductance(p)(r, c) == whole.conductance(p)(r + 3, c + 13));
  }
}

TEST_CASE("no programmed conductance is below 0, and cells at either bound are counted") {
  const auto device = devices::make_lognormal({});
  const RandomStream stream(3);
  for (const Mapping mapping :
       {Mapping::differential, Mapping::differential_two_sided, Mapping::offset}) {
    const MappingRule rule(mapping, device->g_min(), device->g_max(), device->levels());
    const Matrix<float> u = ramp(40, 50);
    const Array array = program_array(device, rule, u, {.stream = &stream}, Programming::drawn, 0);
    CellCounts expected;
    for (std::size_t p = 0; p < array.polarities(); ++p)
      for (Index r = 0; r < 40; ++r)
        for (Index c = 0; c < 50; ++c) {
          const double g = array.conductance(p)(r, c);
          CHECK(g >= 0);
          ++expected.cells;
          expected.above_g_max += g > device->g_max() * (1 + 1e-6);
          expected.clipped_at_zero += g == 0;
        }
    const CellCounts counts = array.counts();
    CHECK(counts.cells == expected.cells);
    CHECK(counts.above_g_max == expected.above_g_max);
    CHECK(counts.clipped_at_zero == expected.clipped_at_zero);
    CHECK(counts.above_g_max > 0);
    CHECK((counts.clipped_at_zero > 0) == (mapping != Mapping::differential));
  }
}

TEST_CASE(
    "verification leaves the conductance that it drew, whatever the whole chip is multiplied "
    "with") {
  const RandomStream stream(5);
  const auto exact = devices::make_ideal({});
  const auto device = devices::with_structure(exact, {.sigma_die = 0.5});
  const MappingRule rule(Mapping::differential, device->g_min(), device->g_max(), {});
  const Matrix<float> u(4, 6, 0.5f);
  Matrix<std::uint8_t> marks(4, 6);
  for (Index c = 0; c < 6; ++c) marks(1, c) = 1;
  const devices::ProgramContext context{.stream = &stream, .chip = 3};
  const Array array =
      program_array(device, rule, u, context, Programming::drawn, 0, {exact, marks.view()});
  const float target = array.cells(0).target(0, 0);
  CHECK(std::fabs(array.conductance(0)(0, 0) / target - 1) > 0.01);
  for (Index c = 0; c < 6; ++c)
    CHECK(array.conductance(0)(1, c) == doctest::Approx(target).epsilon(1e-6));
}

TEST_CASE("conductances are those that were programmed until cells drift or are broken") {
  const Matrix<float> u = ramp(4, 30);
  const RandomStream stream(3);
  const auto differ = [](const Array& array) {
    Index count = 0;
    for (std::size_t p = 0; p < array.polarities(); ++p)
      for (Index i = 0; i < array.cells(p).programmed.size(); ++i)
        count += array.conductance(p).data()[i] != array.cells(p).programmed.data()[i];
    return count;
  };
  const auto steady = devices::make_lognormal({});
  const MappingRule rule(Mapping::differential, steady->g_min(), steady->g_max(), steady->levels());
  const devices::ProgramContext context{.stream = &stream};
  CHECK(differ(program_array(steady, rule, u, context, Programming::drawn, 1e6)) == 0);
  BrokenCells broken;
  broken.faults.assign(2, Matrix<std::uint8_t>(4, 30, 0));
  broken.faults[1](2, 3) = static_cast<std::uint8_t>(devices::Fault::stuck_at_g_max);
  const Array faulty =
      program_array(steady, rule, u, context, Programming::at_target, 0, {}, broken);
  CHECK(faulty.conductance(1)(2, 3) == doctest::Approx(steady->g_max()));
  CHECK(differ(faulty) == 1);

  const auto drifting = devices::make_pcm_like({});
  const MappingRule own(Mapping::differential, drifting->g_min(), drifting->g_max(),
                        drifting->levels());
  const Array fresh = program_array(drifting, own, u, context, Programming::drawn, 0),
              later = fresh.after_drift(86400);
  CHECK(differ(later) > 100);
  Matrix<float> judge(4, 30), sigma(4, 30);
  drifting->conductance(fresh.cells(0), 86400, judge);
  CHECK(std::equal(judge.data(), judge.data() + judge.size(), later.conductance(0).data()));
  drifting->read_sigma(fresh.cells(0), judge, 86400, sigma);
  CHECK(later.read_sigma(0) == sigma);
}
