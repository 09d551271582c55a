#include "sim/adc_lookup_table.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/statistics.h"
#include "devices/ideal.h"
#include "folder.h"
#include "messages.h"
#include "sim/calibration.h"
#include "sim/reference.h"
#include "vectors.h"

using namespace ohmic;
using namespace ohmic::sim;
using ohmic::testing::Folder;
using ohmic::testing::wave;

namespace {

/// A 5-bit converter whose table has an offset, a gain and noise.
LayerPlan plan_of(Mapping mapping, Subtraction subtraction, const Matrix<float>& w,
                  const Matrix<float>& x) {
  LayerHardware hardware;
  hardware.device = devices::make_ideal({});
  hardware.array.mapping = mapping;
  hardware.array.subtraction = subtraction;
  hardware.array.rows = 6;
  hardware.adc.bits = 5;
  LookupTable table{.file = "t.csv", .first = -31, .mean = {}, .sigma = {}};
  for (int code = -31; code <= 31; ++code) {
    table.mean.push_back(0.3f + 0.9f * static_cast<float>(code));
    table.sigma.push_back(0.2f + 0.01f * static_cast<float>(std::abs(code)));
  }
  hardware.lookup_table = std::make_shared<LookupTable>(table);
  const std::vector<PatchView> seen{vectors(x)};
  LayerPlan plan = plan_layer("fc", 1, hardware, w, {}, calibrate_dac(hardware.dac, seen));
  plan.adc = calibrate_adc(plan, seen);
  return plan;
}

}  // namespace

TEST_CASE("an output table gives what the plain product with looked-up codes gives") {
  const Matrix<float> w = wave(7, 16, 0.7), x = wave(70, 16, 0.31);
  const RandomStream stream(9);
  ReadContext context;
  context.stream = &stream;
  context.chip = 4;
  for (const auto& [mapping, subtraction] : {std::pair{Mapping::differential, Subtraction::analog},
                                             std::pair{Mapping::differential, Subtraction::digital},
                                             std::pair{Mapping::offset, Subtraction::analog}}) {
    const Crossbar crossbar(plan_of(mapping, subtraction, w, x), {.stream = &stream}, {});
    Matrix<float> y(70, 7);
    crossbar.apply(vectors(x), context, {y.data(), 7, 1, 0});
    const Matrix<double> judge = reference_product(crossbar, vectors(x), context);
    double off = 0, largest = 0;
    for (Index i = 0; i < y.size(); ++i) {
      off = std::fmax(off, std::fabs(judge.data()[i] - y.data()[i]));
      largest = std::fmax(largest, std::fabs(judge.data()[i]));
    }
    CHECK(off <= 1e-5 * largest);
  }
}

TEST_CASE("reads by a table have its mean and deviation") {
  // 20,000 reads of one vector at 5 standard errors: false alarms below 6e-7 each.
  const Matrix<float> w = wave(1, 5, 0.7);
  Matrix<float> x(20000, 5);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = 0.3f + 0.1f * static_cast<float>(i % 5);
  const LayerPlan plan = plan_of(Mapping::differential, Subtraction::analog, w, x);
  const RandomStream stream(9);
  const Crossbar crossbar(plan, {.stream = &stream}, {});
  ReadContext context;
  context.stream = &stream;
  Matrix<float> y(20000, 1);
  crossbar.apply(vectors(x), context, {y.data(), 1, 1, 0});
  Moments m;
  for (Index i = 0; i < y.size(); ++i) m.add(y.data()[i]);
  LayerPlan clean = plan;
  clean.hardware.lookup_table = nullptr;
  Matrix<float> code(1, 1);
  Crossbar(clean, {.stream = &stream}, {})
      .apply(vectors(wave(1, 5, 0)), {}, {code.data(), 1, 1, 0});
  Matrix<float> one(1, 5);
  for (Index i = 0; i < 5; ++i) one(0, i) = x(0, i);
  Crossbar(clean, {.stream = &stream}, {}).apply(vectors(one), {}, {code.data(), 1, 1, 0});
  const double step = plan.adc[0].step() / plan.lsb_voltage() / plan.rule.unit() *
                      plan.tiling.scale(0, 0) * plan.dac.quantiser.step();
  const double k = std::round(code(0, 0) / step);
  CHECK(std::fabs(m.mean() - step * (0.3 + 0.9 * k)) <=
        5 * step * (0.2 + 0.01 * std::fabs(k)) / std::sqrt(20000.0));
  const double sigma = step * (0.2 + 0.01 * std::fabs(k));
  CHECK(std::fabs(m.deviation() - sigma) <= 5 * sigma / std::sqrt(40000.0));
}

TEST_CASE("a table with holes, or without a code of the ADC, is refused") {
  const Folder folder("table");
  const auto refuse = [&](const std::string& text, const char* message) {
    CHECK_THROWS_WITH(read_lookup_table(folder.write("t.csv", text)), doctest::Contains(message));
  };
  refuse("code,mean,std\n0,0,1\n2,2,1\n", "t.csv: code 1 is missing");
  refuse("code,mean,std\n0,0,1\n0,2,1\n", "t.csv:3:1: code 0 appears twice");
  refuse("code,mean,std\n0.5,0,1\n", "t.csv:2:1: 0.5 is not a code");
  refuse("code,mean,std\n0,0,-1\n", "t.csv:2:5: a deviation below 0");
  const LookupTable table =
      read_lookup_table(folder.write("t.csv", "code,mean,std\n0,0,1\n1,1,1\n"));
  CHECK_THROWS_WITH(table.check_covers(Quantiser(-3, 3, 7)),
                    doctest::Contains("has no code -3, which the ADC gives"));
}
