#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "devices/ideal.h"
#include "io/array_file.h"
#include "sim/crossbar.h"
#include "sim/reference.h"

/// CrossSim 3.2.0's numbers (tests/golden/crosssim), at the tolerances of its manifest.
using namespace ohmic;
using namespace ohmic::sim;

namespace {

Matrix<double> golden(const std::string& name) {
  return read_csv(std::string(OHMIC_GOLDEN) + "/crosssim/" + name + ".csv");
}

struct MapCase {
  std::string name;
  Mapping mapping;
  double g_min;  ///< in units of g_max = 1
  int cell_bits;
};

/// At a tie (|fraction - 1/2| < 1e-9 of a level) either neighbour is right.
bool equals_but_for_ties(double found, double expected, double x, const Quantiser& q) {
  if (std::fabs(found - expected) <= 1e-12 * std::fmax(1.0, std::fabs(expected))) return true;
  const double position = (std::fmin(std::fmax(x, q.low()), q.high()) - q.low()) / q.step();
  const bool tie = std::fabs(position - std::floor(position) - 0.5) < 1e-9;
  return tie && std::fabs(found - expected) <= q.step() * (1 + 1e-12);
}

/// The transfer in double, and the codes that the float kernels use: within one code, and equal
/// away from ties.
void check_transfer(const std::string& name, const Quantiser& q) {
  CAPTURE(name);
  const Matrix<double> table = golden(name);
  for (Index i = 0; i < table.rows(); ++i) {
    const double x = table(i, 0), expected = table(i, 1);
    CAPTURE(x);
    CHECK(equals_but_for_ties(q(x), expected, x, q));
    double code = 0;
    kernels().f64.quantise(1, &x, q.codes<double>(), &code);
    CHECK(equals_but_for_ties(code * q.step(), expected, x, q));
    const auto x32 = static_cast<float>(x);
    float code32 = 0;
    kernels().f32.quantise(1, &x32, q.codes<float>(), &code32);
    const double difference = std::fabs(code32 * q.step() - expected);
    CHECK(difference <= q.step() * (1 + 1e-6));
    // In float only a point within its rounding of a tie may fall to the other side.
    const double position = (std::fmin(std::fmax(x, q.low()), q.high()) - q.low()) / q.step();
    const double from_tie = std::fabs(position - std::floor(position) - 0.5);
    if (from_tie > 4e-7 * static_cast<double>(q.levels())) CHECK(difference <= 1e-6 * q.high());
  }
}

}  // namespace

TEST_CASE("weights map to CrossSim's conductances and read back to its weights") {
  const Matrix<double> w = golden("map_W");
  double w_max = 0;
  for (Index i = 0; i < w.size(); ++i) w_max = std::fmax(w_max, std::fabs(w.data()[i]));
  for (const MapCase& c : {MapCase{"one_sided_onoff10_bits0", Mapping::differential, 0.1, 0},
                           {"one_sided_onoff10_bits4", Mapping::differential, 0.1, 4},
                           {"one_sided_onoffinf_bits0", Mapping::differential, 0.0, 0},
                           {"one_sided_onoffinf_bits4", Mapping::differential, 0.0, 4},
                           {"two_sided_onoff10_bits0", Mapping::differential_two_sided, 0.1, 0},
                           {"two_sided_onoff10_bits4", Mapping::differential_two_sided, 0.1, 4},
                           {"two_sided_onoffinf_bits0", Mapping::differential_two_sided, 0.0, 0},
                           {"two_sided_onoffinf_bits4", Mapping::differential_two_sided, 0.0, 4},
                           {"offset_onoff10_bits0", Mapping::offset, 0.1, 0},
                           {"offset_onoffinf_bits0", Mapping::offset, 0.0, 0},
                           {"offset_onoffinf_bits4", Mapping::offset, 0.0, 4}}) {
    CAPTURE(c.name);
    const bool offset = c.mapping == Mapping::offset;
    const Matrix<double> positive = golden("map_" + c.name + (offset ? "_G" : "_Gpos"));
    const Matrix<double> negative = offset ? positive : golden("map_" + c.name + "_Gneg");
    const Matrix<double> back = golden("map_" + c.name + "_Wread");
    const std::optional<std::int64_t> levels =
        c.cell_bits ? std::optional<std::int64_t>(std::int64_t{1} << c.cell_bits) : std::nullopt;
    const MappingRule rule(c.mapping, c.g_min, 1.0, levels);
    const double tolerance =
        offset ? 1e-12 : 1e-6;  // CrossSim's balanced cores pass through float32
    for (Index i = 0; i < w.size(); ++i) {
      const MappingRule::Pair pair = rule.target(w.data()[i] / w_max);
      CAPTURE(w.data()[i]);
      CHECK(std::fabs(pair.positive - positive.data()[i]) <= tolerance);
      if (!offset) CHECK(std::fabs(pair.negative - negative.data()[i]) <= tolerance);
      CHECK(std::fabs(rule.weight(pair) * w_max - back.data()[i]) <= 1e-6);
    }
  }
}

TEST_CASE(
    "the full-scale weight at a percentile equals CrossSim's, and weights beyond are clipped") {
  const Matrix<double> w64 = golden("map_percentile_W");
  const Matrix<float> w(w64.view());
  for (const auto& [name, percentile, limit] :
       {std::tuple{"map_percentile_0.9_Wread", 0.9, 1.5646323868455498},
        std::tuple{"map_percentile_0.95_Wread", 0.95, 1.7775746090953561}}) {
    CHECK(weight_limit(w, percentile) == doctest::Approx(limit).epsilon(1e-6));
    const Matrix<double> back = golden(name);
    for (Index i = 0; i < w.size(); ++i)
      CHECK(std::fabs(std::fmax(std::fmin(w64.data()[i], limit), -limit) - back.data()[i]) <= 1e-6);
  }
  const Matrix<double> whole = golden("map_percentile_1_Wread");
  for (Index i = 0; i < w.size(); ++i) CHECK(std::fabs(w64.data()[i] - whole.data()[i]) <= 1e-6);
}

TEST_CASE("DAC transfer functions equal CrossSim's, ties and values beyond the range included") {
  for (const int bits : {1, 2, 4, 8}) {
    const std::string b = std::to_string(bits);
    check_transfer("dac_quantizerdac_b" + b + "_s", make_quantiser(bits, true, false, 1.0));
    check_transfer("dac_quantizerdac_b" + b + "_u", make_quantiser(bits, false, true, 1.0));
    if (bits > 1)
      check_transfer("dac_signmagnitudedac_b" + b + "_s", make_quantiser(bits, true, true, 1.0));
  }
}

TEST_CASE("ADC transfer functions equal CrossSim's, one-sided and lopsided ranges included") {
  check_transfer("adc_quantizeradc_b1_-3_3", Quantiser(-3, 3, 2));
  check_transfer("adc_quantizeradc_b4_-3_3", Quantiser(-3, 3, 16));
  check_transfer("adc_quantizeradc_b8_-3_3", Quantiser(-3, 3, 256));
  check_transfer("adc_quantizeradc_b4_-1_3", Quantiser(-1, 3, 16));
  check_transfer("adc_quantizeradc_b8_0_5", Quantiser(0, 5, 256));
  check_transfer("adc_signmagnitudeadc_b4_-3_3", Quantiser(-3, 3, 15));
  check_transfer("adc_signmagnitudeadc_b8_-3_3", Quantiser(-3, 3, 255));
}

namespace {

/// Records currents before the ADC in units of V_read / R_min.
class CurrentTap final : public Tap {
 public:
  Matrix<double> seen{3, 30};
  void currents(const TileReading& r) override {
    for (Index c = 0; c < r.columns; ++c)
      for (Index s = 0; s < r.samples; ++s)
        seen(r.row_tile, (r.first_column + c) * 5 + r.first_sample + s) =
            r.currents[c * kLanes + s] * r.lsb_voltage / 1e-4;
  }
};

}  // namespace

TEST_CASE(
    "a whole product on three row tiles equals CrossSim's, before the ADC, after it, and summed") {
  const Matrix<double> w = golden("mvm_W"), x_columns = golden("mvm_X"),
                       y = golden("mvm_bal_dac8_adc8_Y");
  const Matrix<double> before = golden("mvm_bal_dac8_adc8_adcin"),
                       after = golden("mvm_bal_dac8_adc8_adcout");
  Matrix<float> x(5, 40);
  for (Index v = 0; v < 5; ++v)
    for (Index i = 0; i < 40; ++i) x(v, i) = static_cast<float>(x_columns(i, v));
  LayerHardware hardware;
  hardware.device = devices::make_ideal(
      {.cell = {.g_min = 1e-5, .g_max = 1e-4, .levels = {}, .read_noise_of = {}}});
  hardware.array.rows = 16;
  hardware.array.row_partition.list = {13, 13, 14};
  hardware.array.read_voltage = 1.0;
  const Dac dac{make_quantiser(8, true, true, 1.0), 1.0};
  LayerPlan plan = plan_layer("golden", 0, hardware, Matrix<float>(w.view()), {}, dac);
  plan.adc.assign(3, Quantiser(-6e-4, 6e-4, 256));
  const Crossbar crossbar(plan, {}, {});
  const PatchView view{
      .data = x.data(), .samples = 5, .channels = 40, .sample_stride = 40, .channel_stride = 1};
  CurrentTap tap;
  ReadContext context;
  context.tap = &tap;
  Matrix<float> found(5, 6);
  crossbar.apply(view, context, {found.data(), 6, 1, 0});
  const Matrix<double> judge = reference_product(crossbar, view, {});
  for (Index v = 0; v < 5; ++v)
    for (Index o = 0; o < 6; ++o) {
      CHECK(std::fabs(judge(v, o) - y(o, v)) <= 2e-5);
      CHECK(std::fabs(found(v, o) - y(o, v)) <= 2e-5);
      for (Index tile = 0; tile < 3; ++tile) {
        CHECK(std::fabs(tap.seen(tile, o * 5 + v) - before(tile, o * 5 + v)) <= 4e-6);
        CHECK(std::fabs(plan.adc[0](tap.seen(tile, o * 5 + v) * 1e-4) / 1e-4 -
                        after(tile, o * 5 + v)) <= 2e-6);
      }
    }
}
