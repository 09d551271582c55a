#include "sim/ensemble.h"

#include <doctest/doctest.h>

#include <cmath>

#include "devices/gaussian.h"
#include "devices/lognormal.h"

using namespace ohmic;
using namespace ohmic::sim;

namespace {

Matrix<float> wave(Index rows, Index columns, float step) {
  Matrix<float> m(rows, columns);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = std::sin(step * static_cast<float>(i + 1));
  return m;
}

Matrix<float> product(const LinearOperator& op, const Matrix<float>& x) {
  Matrix<float> y(x.rows(), op.outputs());
  const PatchView view{.data = x.data(),
                       .samples = x.rows(),
                       .channels = x.columns(),
                       .sample_stride = x.columns(),
                       .channel_stride = 1};
  op.apply(view, {}, {y.data(), y.columns(), 1, 0});
  return y;
}

LayerPlan plan_of(std::shared_ptr<const devices::DeviceModel> device) {
  LayerHardware hardware;
  hardware.device = std::move(device);
  return plan_layer("w", 0, hardware, wave(5, 40, 0.7f), {}, Dac{});
}

}  // namespace

TEST_CASE("copies are averaged, and the best of them are those nearest to their targets") {
  const LayerPlan plan = plan_of(devices::make_gaussian({.sigma = 0.1}));
  const RandomStream stream(3);
  const Matrix<float> x = wave(3, 40, 0.3f);
  std::vector<Crossbar> crossbars;
  std::vector<Matrix<float>> single;
  for (Index replica = 0; replica < 4; ++replica) {
    crossbars.emplace_back(plan, devices::ProgramContext{.stream = &stream, .replica = replica},
                           ChipOptions{});
    single.push_back(product(crossbars.back(), x));
  }
  CHECK(!(single[0] == single[1]));
  const Matrix<float> all = product(Ensemble(crossbars, 4), x);
  for (Index i = 0; i < all.size(); ++i) {
    double mean = 0;
    for (const auto& s : single) mean += s.data()[i] / 4.0;
    CHECK(all.data()[i] == doctest::Approx(mean).epsilon(1e-5));
  }
  const Ensemble best(crossbars, 1);
  const Matrix<float> chosen = product(best, x);
  for (Index o = 0; o < 5; ++o) {
    double least = 1e9;
    Index nearest = 0;
    for (Index c = 0; c < 4; ++c) {
      double error = 0;
      for (const Tile& tile : crossbars[static_cast<std::size_t>(c)].tiles())
        for (std::size_t p = 0; p < 2; ++p)
          for (Index r = 0; r < 40; ++r)
            error += std::fabs(static_cast<double>(tile.array().conductance(p)(o, r)) -
                               tile.array().cells(p).target(o, r));
      if (error < least) {
        least = error;
        nearest = c;
      }
    }
    CHECK(best.weights()(nearest, o) == 1.0f);
    for (Index s = 0; s < 3; ++s)
      CHECK(chosen(s, o) == single[static_cast<std::size_t>(nearest)](s, o));
  }
}

TEST_CASE("verified weights take the residual spread, the others keep their one-shot error") {
  LayerPlan plan = plan_of(devices::make_lognormal({}));
  const RandomStream stream(3);
  const devices::ProgramContext context{.stream = &stream, .chip = 2};
  const Crossbar plain(plan, context, {});
  devices::LognormalParams residual;
  residual.sigma = 0.05;
  plan.verified_device = devices::make_lognormal(residual);
  plan.verified = Matrix<std::uint8_t>(5, 40);
  for (Index i = 0; i < plan.verified.size(); i += 3) plan.verified.data()[i] = 1;
  const Crossbar careful(plan, context, {});
  const Array &a = plain.tiles()[0].array(), &b = careful.tiles()[0].array();
  const MappingRule& rule = plan.rule;
  for (Index o = 0; o < 5; ++o)
    for (Index r = 0; r < 40; ++r) {
      const double before = rule.weight({a.conductance(0)(o, r), a.conductance(1)(o, r)});
      const double after = rule.weight({b.conductance(0)(o, r), b.conductance(1)(o, r)});
      if (!plan.verified(o, r)) {
        CHECK(after == before);
        continue;
      }
      // The same normal number at a tenth of the spread.
      const double clean = plan.mapped(o, r);
      CHECK(std::log(after / clean) ==
            doctest::Approx(0.1 * std::log(before / clean)).epsilon(1e-2));
    }
}
