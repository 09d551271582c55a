#include <doctest/doctest.h>

#include <cmath>

#include "devices/gaussian.h"
#include "devices/ideal.h"
#include "sim/crossbar.h"
#include "vectors.h"

using namespace ohmic;
using namespace ohmic::sim;
using ohmic::testing::wave;

namespace {

/// Largest difference of the product from the exact one, over the largest output.
double error_of(const LayerPlan& plan, const Matrix<float>& w, Index chip = 0) {
  const Matrix<float> x = wave(40, w.columns(), 0.31);
  const RandomStream stream(6);
  const Crossbar crossbar(plan, {.stream = &stream, .chip = chip}, {.converters = false});
  Matrix<float> y(40, w.rows());
  crossbar.apply(vectors(x), {}, {y.data(), y.columns(), 1, 0});
  double off = 0, largest = 0;
  for (Index s = 0; s < 40; ++s)
    for (Index o = 0; o < w.rows(); ++o) {
      double exact = 0;
      for (Index i = 0; i < w.columns(); ++i) exact += static_cast<double>(w(o, i)) * x(s, i);
      off = std::fmax(off, std::fabs(exact - y(s, o)));
      largest = std::fmax(largest, std::fabs(exact));
    }
  return off / largest;
}

LayerPlan plan_of(const Matrix<float>& w, const devices::FaultParams& faults,
                  std::shared_ptr<const devices::DeviceModel> device = devices::make_ideal({})) {
  LayerHardware hardware;
  hardware.device = std::move(device);
  hardware.faults = faults;
  hardware.array.rows = 12;
  hardware.array.columns = 8;
  return plan_layer("fc", 0, hardware, w, {}, Dac());
}

}  // namespace

TEST_CASE("the working device of a pair makes up for a stuck one, exactly where its range allows") {
  // Every positive device is stuck at half the range; a weight of at most .4 of the largest needs a
  // difference that the negative device can give.
  Matrix<float> w = wave(6, 10, 0.7);
  for (Index i = 0; i < w.size(); ++i) w.data()[i] *= 0.4f;
  devices::FaultParams faults{.stuck_at_given = 1, .given = 20e-6};
  LayerPlan plan = plan_of(w, faults);
  for (Index i = 0; i < w.size(); ++i) plan.mapped.data()[i] *= 0.4f;  // |u| <= .4
  for (Index i = 0; i < plan.tiling.scale.size(); ++i) plan.tiling.scale.data()[i] /= 0.4;
  plan.fault_map =
      devices::LayerFaults{Matrix<std::uint8_t>(6, 10, 3), Matrix<std::uint8_t>(6, 10)};
  CHECK(error_of(plan, w) > 0.1);
  plan.hardware.faults.adjusts_pairs = true;
  CHECK(error_of(plan, w) < 1e-5);
}

TEST_CASE("a spare column replaces the output that its faults hurt most") {
  const Matrix<float> w = wave(4, 10, 0.7);
  LayerPlan plan = plan_of(w, {.dead_columns = 0.5});
  Matrix<std::uint8_t> dead(4, 10);
  for (Index i = 0; i < 10; ++i) dead(2, i) = 5;
  plan.fault_map = devices::LayerFaults{dead, dead};
  CHECK(error_of(plan, w) > 0.1);
  plan.hardware.faults.spare_columns = 1;
  CHECK(error_of(plan, w) < 1e-5);
}

TEST_CASE("drawn faults hurt less with each countermeasure, and spares have devices of their own") {
  const Matrix<float> w = wave(16, 40, 0.7);
  double none = 0, pairs = 0, spares = 0;
  for (Index chip = 0; chip < 40; ++chip) {
    devices::FaultParams faults{.stuck_at_g_min = 0.02, .stuck_at_g_max = 0.02};
    none += error_of(plan_of(w, faults), w, chip);
    faults.spare_columns = 2;
    spares += error_of(plan_of(w, faults), w, chip);
    faults.spare_columns = 0;
    faults.adjusts_pairs = true;
    pairs += error_of(plan_of(w, faults), w, chip);
  }
  CHECK(pairs < 0.9 * none);
  CHECK(spares < 0.98 * none);
  // Only replaced outputs have other devices than without spares.
  devices::FaultParams faults{.stuck_at_g_max = 0.03};
  devices::GaussianParams noisy;
  const auto device = devices::make_gaussian(noisy);
  const RandomStream stream(6);
  const Crossbar plain(plan_of(w, faults, device), {.stream = &stream}, {});
  faults.spare_columns = 1;
  const Crossbar spared(plan_of(w, faults, device), {.stream = &stream}, {});
  Index changed = 0;
  for (std::size_t t = 0; t < plain.tiles().size(); ++t) {
    const Matrix<float>&a = plain.tiles()[t].array().cells(0).programmed,
          &b = spared.tiles()[t].array().cells(0).programmed;
    for (Index o = 0; o < a.rows(); ++o) {
      bool differs = false;
      for (Index r = 0; r < a.columns(); ++r) differs = differs || a(o, r) != b(o, r);
      changed += differs;
    }
  }
  CHECK(changed > 0);
  CHECK(changed <= static_cast<Index>(plain.tiles().size()));
}
