#include "sim/crossbar.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "devices/gaussian.h"
#include "devices/ideal.h"
#include "devices/lognormal.h"
#include "sim/calibration.h"
#include "sim/reference.h"
#include "vectors.h"

using namespace ohmic;
using namespace ohmic::sim;

namespace {

Matrix<float> random_matrix(Index rows, Index columns, std::uint64_t seed, float scale = 1.0f) {
  Matrix<float> m(rows, columns);
  const RandomStream stream(seed);
  for (Index r = 0; r < rows; ++r) {
    stream.normals(device_address(Purpose::cycle, {.row = static_cast<std::uint64_t>(r)}), 0,
                   {m.row(r), static_cast<std::size_t>(columns)});
    for (Index c = 0; c < columns; ++c) m(r, c) *= scale;
  }
  return m;
}

Matrix<float> product(const Crossbar& crossbar, const Matrix<float>& x,
                      const ReadContext& context = {}) {
  Matrix<float> y(x.rows(), crossbar.outputs());
  crossbar.apply(vectors(x), context, {y.data(), y.columns(), 1, 0});
  return y;
}

std::shared_ptr<const devices::DeviceModel> ideal(double read_noise = 0,
                                                  const std::string& of = "") {
  devices::IdealParams p;
  p.cell.read_noise = read_noise;
  p.cell.read_noise_of = of;
  return devices::make_ideal(p);
}

LayerHardware hardware_of(std::shared_ptr<const devices::DeviceModel> device, Mapping mapping) {
  LayerHardware hardware;
  hardware.device = std::move(device);
  hardware.array.mapping = mapping;
  return hardware;
}

constexpr Mapping kMappings[] = {Mapping::differential, Mapping::differential_two_sided,
                                 Mapping::offset};
constexpr double kUnit = 0x1p-24;  // unit roundoff of float

}  // namespace

TEST_CASE(
    "a crossbar of ideal devices and converters equals the plain product within the bound of float "
    "arithmetic") {
  // A stored conductance is rounded by at most kUnit g_max, a mapped weight by kUnit: together (4
  // g_max/R + 4) kUnit w_max a cell (R = the range, halved by the offset mapping). A sum of n fused
  // products adds n kUnit sum |w x|; tiles, the scale and the partial sums a few more.
  for (const Mapping mapping : kMappings)
    for (const ScaleOf scale : {ScaleOf::layer, ScaleOf::tile, ScaleOf::column})
      for (const auto& [n_out, n_in, rows, columns] :
           {std::tuple<Index, Index, Index, Index>{1, 1, 128, 128},
            {3, 7, 4, 4},
            {64, 128, 128, 128},
            {65, 129, 128, 128},
            {10, 300, 37, 6},
            {1000, 777, 128, 128}}) {
        if (n_out == 1000 && scale != ScaleOf::layer) continue;
        const Matrix<float> w = random_matrix(n_out, n_in, 1), x = random_matrix(5, n_in, 2);
        LayerHardware hardware = hardware_of(ideal(), mapping);
        hardware.array.rows = rows;
        hardware.array.columns = columns;
        hardware.array.scale = scale;
        const LayerPlan plan = plan_layer("w", 0, hardware, w, {}, Dac{});
        const Crossbar crossbar(plan, {}, {});
        const Matrix<float> y = product(crossbar, x);
        const double w_max = weight_limit(w, 1.0), range = plan.rule.g_max() - plan.rule.g_min();
        const double a_cell = (4 * plan.rule.g_max() / range + 4) * kUnit * w_max;
        for (Index v = 0; v < x.rows(); ++v)
          for (Index o = 0; o < n_out; ++o) {
            double exact = 0, absolute = 0, inputs = 0;
            for (Index i = 0; i < n_in; ++i) {
              exact += static_cast<double>(w(o, i)) * x(v, i);
              absolute += std::fabs(static_cast<double>(w(o, i)) * x(v, i));
              inputs += std::fabs(x(v, i));
            }
            const double bound = a_cell * inputs + static_cast<double>(n_in + 16) * kUnit *
                                                       (absolute + a_cell * inputs);
            if (std::fabs(y(v, o) - exact) > bound)
              FAIL_CHECK("output " << o << " of vector " << v << ": " << y(v, o) << " for "
                                   << exact);
          }
      }
}

TEST_CASE("padding, stride and any layout of the image give the product of the patches") {
  const Index channels = 3, side = 7, kernel = 3, n_out = 4, samples = 70;
  const Matrix<float> w = random_matrix(n_out, channels * kernel * kernel, 3);
  const Matrix<float> images = random_matrix(samples, channels * side * side, 4);
  for (const Mapping mapping : kMappings)
    for (const auto& [stride, padding] : {std::pair<Index, Index>{1, 0}, {1, 1}, {2, 1}, {3, 2}}) {
      const LayerPlan plan = plan_layer("conv", 0, hardware_of(ideal(), mapping), w, {}, Dac{});
      const Crossbar crossbar(plan, {}, {});
      PatchView x{.data = images.data(),
                  .samples = samples,
                  .channels = channels,
                  .height = side,
                  .width = side,
                  .kernel = kernel,
                  .stride = stride,
                  .padding = padding,
                  .sample_stride = images.columns(),
                  .channel_stride = side * side,
                  .row_stride = side,
                  .column_stride = 1};
      const Index positions = x.positions();
      Matrix<float> y(samples, n_out * positions);
      crossbar.apply(x, {}, {y.data(), y.columns(), positions, 1});
      for (Index s = 0; s < samples; ++s)
        for (Index o = 0; o < n_out; ++o)
          for (Index p = 0; p < positions; ++p) {
            double exact = 0;
            for (Index c = 0; c < channels; ++c)
              for (Index ky = 0; ky < kernel; ++ky)
                for (Index kx = 0; kx < kernel; ++kx) {
                  const Index h = p / x.out_width() * stride + ky - padding,
                              v = p % x.out_width() * stride + kx - padding;
                  if (h < 0 || h >= side || v < 0 || v >= side) continue;
                  exact += static_cast<double>(w(o, (c * kernel + ky) * kernel + kx)) *
                           images(s, (c * side + h) * side + v);
                }
            if (std::fabs(y(s, o * positions + p) - exact) > 1e-4)
              FAIL_CHECK(y(s, o * positions + p) << " for " << exact);
          }
    }
}

TEST_CASE(
    "the fast path equals the plain reference: to rounding, and at an ADC's ties within one code a "
    "tile") {
  const Matrix<float> w = random_matrix(20, 150, 5), x = random_matrix(66, 150, 6);
  std::vector<float> bias(20);
  for (std::size_t o = 0; o < bias.size(); ++o) bias[o] = 0.1f * static_cast<float>(o);
  devices::LognormalParams on_device;
  on_device.on_device = true;
  const std::vector<PatchView> calibration{vectors(x)};
  const RandomStream stream(9);
  for (const auto& device : {ideal(), devices::make_lognormal({}),
                             devices::make_lognormal(on_device), devices::make_gaussian({})})
    for (const Mapping mapping : kMappings)
      for (const Subtraction subtraction : {Subtraction::analog, Subtraction::digital})
        for (const BiasPlace place : {BiasPlace::digital, BiasPlace::row})
          for (const bool converters : {false, true})
            for (const bool zero : {true, false}) {
              LayerHardware hardware = hardware_of(device, mapping);
              hardware.array.rows = 64;
              hardware.array.columns = 24;
              hardware.array.subtraction = subtraction;
              hardware.array.bias = place;
              hardware.dac.zero = hardware.adc.zero = zero;
              LayerPlan plan =
                  plan_layer("w", 3, hardware, w, bias, calibrate_dac(hardware.dac, calibration));
              plan.adc = calibrate_adc(plan, calibration);
              const Crossbar crossbar(plan, {.stream = &stream, .chip = 2},
                                      {.read_noise = false, .converters = converters});
              CHECK(crossbar.adds_bias() == (place == BiasPlace::row));
              const Matrix<float> y = product(crossbar, x);
              const Matrix<double> judge = reference_product(crossbar, vectors(x), {});
              const double code = converters ? plan.adc[0].step() /
                                                   crossbar.tiles()[0].setting().lsb_voltage *
                                                   weight_limit(w, 1.0) * 1.5 / plan.rule.unit() *
                                                   plan.dac.quantiser.step()
                                             : 0;
              Index apart = 0;
              for (Index i = 0; i < y.size(); ++i) {
                const double difference = std::fabs(y.data()[i] - judge.data()[i]);
                apart += difference > 3e-4;
                if (difference > 3e-4 + 3 * code)
                  FAIL_CHECK(y.data()[i] << " for " << judge.data()[i]);
              }
              CHECK(apart <= y.size() / 100);
            }
}

TEST_CASE(
    "read noise has the mean and variance of independent cells, whether it is one number or a "
    "panel") {
  // 1e5 reads of one vector. Mean within 5 standard errors; variance within 5 sqrt(2/n) of the
  // closed form sum v_i^2 s_ij^2 (both devices of a pair): false alarm below 6e-7 each.
  constexpr Index kReads = 100000;
  const Matrix<float> w = random_matrix(6, 150, 7), one = random_matrix(1, 150, 8);
  Matrix<float> x(kReads, 150);
  for (Index v = 0; v < kReads; ++v) std::copy_n(one.data(), 150, x.row(v));
  const RandomStream stream(21);
  for (const auto& of : {"g_max", "g"})
    for (const Mapping mapping : kMappings)
      for (const Subtraction subtraction : {Subtraction::analog, Subtraction::digital}) {
        CAPTURE(of);
        LayerHardware hardware = hardware_of(ideal(0.02, of), mapping);
        hardware.array.rows = 64;
        hardware.array.subtraction = subtraction;
        const LayerPlan plan = plan_layer("w", 1, hardware, w, {}, Dac{});
        const Crossbar crossbar(plan, {}, {});
        ReadContext context;
        context.stream = &stream;
        const Matrix<float> y = product(crossbar, x, context);
        const Matrix<float> clean = product(Crossbar(plan, {}, {.read_noise = false}), one);
        for (Index o = 0; o < 6; ++o) {
          double variance = 0;
          for (const Tile& tile : crossbar.tiles())
            for (std::size_t p = 0; p < tile.array().polarities(); ++p)
              for (Index r = 0; r < tile.place().rows.size(); ++r) {
                const double s = tile.array().read_sigma(p)(o, r),
                             v = one(0, tile.place().rows.begin + r);
                const double unit = tile.scale()[static_cast<std::size_t>(o)] / plan.rule.unit();
                variance += v * v * s * s * unit * unit;
              }
          double sum = 0, square = 0;
          for (Index v = 0; v < kReads; ++v) {
            const double d = static_cast<double>(y(v, o)) - clean(0, o);
            sum += d;
            square += d * d;
          }
          CHECK(std::fabs(sum / kReads) < 5 * std::sqrt(variance / kReads));
          CHECK(std::fabs(square / kReads / variance - 1) < 5 * std::sqrt(2.0 / kReads));
        }
      }
}

TEST_CASE("the reference's cell-by-cell noise has the same variance as the lumped one") {
  constexpr Index kReads = 4000;
  const Matrix<float> w = random_matrix(2, 20, 7), one = random_matrix(1, 20, 8);
  Matrix<float> x(kReads, 20);
  for (Index v = 0; v < kReads; ++v) std::copy_n(one.data(), 20, x.row(v));
  const LayerPlan plan =
      plan_layer("w", 1, hardware_of(ideal(0.02, "g"), Mapping::differential), w, {}, Dac{});
  const Crossbar crossbar(plan, {}, {});
  const RandomStream stream(4);
  ReadContext context;
  context.stream = &stream;
  const Matrix<double> cells = reference_product(crossbar, vectors(x), context);
  const Matrix<float> lumped = product(crossbar, x, context);
  for (Index o = 0; o < 2; ++o) {
    double a = 0, b = 0, mean_a = 0, mean_b = 0;
    for (Index v = 0; v < kReads; ++v)
      mean_a += cells(v, o) / kReads, mean_b += lumped(v, o) / kReads;
    for (Index v = 0; v < kReads; ++v) {
      a += (cells(v, o) - mean_a) * (cells(v, o) - mean_a);
      b += (lumped(v, o) - mean_b) * (lumped(v, o) - mean_b);
    }
    // Two independent variances: 5 standard errors of their ratio.
    CHECK(std::fabs(a / b - 1) < 5 * std::sqrt(4.0 / kReads));
  }
}

TEST_CASE("a read's bits depend neither on the batch nor on which samples stand beside it") {
  const Matrix<float> w = random_matrix(9, 40, 7), x = random_matrix(200, 40, 8);
  const LayerPlan plan =
      plan_layer("w", 1, hardware_of(ideal(0.02, "g"), Mapping::differential), w, {}, Dac{});
  const Crossbar crossbar(plan, {}, {});
  const RandomStream stream(4);
  ReadContext context;
  context.stream = &stream;
  const Matrix<float> whole = product(crossbar, x, context);
  for (const Index batch : {1, 37, 64, 130}) {
    Matrix<float> parts(200, 9);
    for (Index first = 0; first < 200; first += batch) {
      PatchView some = vectors(x);
      some.data = x.row(first);
      some.samples = std::min(batch, 200 - first);
      context.first_sample = first;
      crossbar.apply(some, context, {parts.row(first), 9, 1, 0});
    }
    CHECK(parts == whole);
  }
}

TEST_CASE("calibration gives one range however its samples are cut into views") {
  const Matrix<float> w = random_matrix(9, 40, 7), x = random_matrix(200, 40, 8);
  const LayerPlan plan =
      plan_layer("w", 1, hardware_of(ideal(), Mapping::differential), w, {}, Dac{});
  std::vector<PatchView> parts;
  for (const Index first : {0, 64, 128}) {
    parts.push_back(vectors(x));
    parts.back().data = x.row(first);
    parts.back().samples = first == 128 ? 72 : 64;
  }
  const std::vector<PatchView> whole{vectors(x)};
  CHECK(calibrate_adc(plan, whole)[0].high() == calibrate_adc(plan, parts)[0].high());
}

TEST_CASE("conversions and clipping are counted, tile by tile") {
  const Matrix<float> w = random_matrix(4, 10, 1), x = random_matrix(100, 10, 2);
  LayerHardware hardware = hardware_of(ideal(), Mapping::differential);
  hardware.array.rows = 5;
  LayerPlan plan =
      plan_layer("w", 2, hardware, w, {}, Dac{make_quantiser(8, true, true, 1.0), 1.0});
  plan.adc.assign(2, Quantiser(-1e-9, 1e-9, 255));  // nearly everything is beyond
  const Crossbar crossbar(plan, {}, {});
  Activity activity;
  ReadContext context;
  context.activity = &activity;
  product(crossbar, x, context);
  const Activity::Layer& layer = activity.layers.at(2);
  CHECK(layer.mvms == 100);
  CHECK(layer.dac_conversions == 1000);
  Index beyond = 0;
  for (Index i = 0; i < x.size(); ++i) beyond += std::fabs(x.data()[i]) * 127 > 127.5;
  CHECK(layer.dac_clipped == beyond);
  for (const auto& tile : layer.tiles) {
    CHECK(tile.conversions == 400);
    CHECK(tile.clipped >= 395);
    CHECK(tile.clipped <= 400);
  }
}

TEST_CASE("a product of another length than the array's is a ShapeError that names the layer") {
  const Matrix<float> w = random_matrix(4, 10, 1), x = random_matrix(3, 11, 2);
  const Crossbar crossbar(
      plan_layer("fc1", 0, hardware_of(ideal(), Mapping::differential), w, {}, Dac{}), {}, {});
  CHECK_THROWS_WITH_AS(product(crossbar, x), "layer fc1: a product of 11 inputs on an array of 10",
                       ShapeError);
}

TEST_CASE("an ideal DAC that drives nothing below 0 leaves its ADC every code") {
  // Inputs >= 0 in single devices: currents are >= 0, so an ADC over [0, limit] has 2^b codes for
  // them; over [-limit, limit] half of its codes could not occur.
  const Matrix<float> w = random_matrix(6, 20, 1);
  Matrix<float> x = random_matrix(40, 20, 2);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = std::fabs(x.data()[i]);
  struct Case {
    Mapping mapping;
    Subtraction subtraction;
    DacSign sign;
    bool negative, is_signed;
  };
  using enum DacSign;
  for (const Case& c :
       {Case{Mapping::offset, Subtraction::analog, automatic, false, false},
        {Mapping::differential, Subtraction::digital, automatic, false, false},
        {Mapping::differential, Subtraction::analog, automatic, false, true},  // a difference
        {Mapping::offset, Subtraction::analog, automatic, true, true},
        {Mapping::offset, Subtraction::analog, is_signed, false, true},
        {Mapping::offset, Subtraction::analog, is_unsigned, false, false}})
    for (const std::optional<std::int64_t> bits : {std::optional<std::int64_t>(), {8}}) {
      LayerHardware hardware = hardware_of(ideal(), c.mapping);
      hardware.array.subtraction = c.subtraction;
      hardware.dac.bits = bits;
      hardware.dac.sign = c.sign;
      hardware.adc.bits = 5;
      Matrix<float> inputs = x;
      if (c.negative) inputs(3, 3) = -0.5f;
      const std::vector<PatchView> seen{vectors(inputs)};
      LayerPlan plan = plan_layer("w", 0, hardware, w, {}, calibrate_dac(hardware.dac, seen));
      const std::vector<Quantiser> adc = calibrate_adc(plan, seen);
      CHECK(adc.front().levels() == (c.is_signed ? 31 : 32));
      CHECK((adc.front().low() < 0) == c.is_signed);
    }
}

TEST_CASE("4,608 inputs are read 16 rows at a time, each row tile with noise of its own") {
  LayerHardware hardware = hardware_of(ideal(0.1, "g_max"), Mapping::differential);
  hardware.array.rows = 16;
  hardware.dac.bits = hardware.adc.bits = std::nullopt;
  const Matrix<float> w = random_matrix(2, 4608, 1);
  const LayerPlan plan = plan_layer("w", 0, hardware, w, {}, Dac{});
  CHECK(plan.tiling.rows.size() == 288);
  const RandomStream stream(3);
  const Crossbar crossbar(plan, {.stream = &stream}, {});
  // The same input in tiles 0 and 256 (one past what 8 bits could tell apart): their noises differ.
  Matrix<float> x(2, 4608);
  x(0, 0) = x(1, 256 * 16) = 1.0f;
  ReadContext context;
  context.stream = &stream;
  const Matrix<float> noisy = product(crossbar, x, context);
  CHECK(noisy(0, 0) - w(0, 0) != doctest::Approx(noisy(1, 0) - w(0, 256 * 16)));
}
