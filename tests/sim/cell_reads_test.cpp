#include <doctest/doctest.h>

#include <cmath>

#include "devices/ideal.h"
#include "devices/telegraph.h"
#include "sim/crossbar.h"
#include "sim/reference.h"

using namespace ohmic;
using namespace ohmic::sim;

namespace {

constexpr Index kSamples = 70, kOutputs = 5, kPositions = 16;

/// A 2 x 2 convolution over 2 channels of 5 x 5 pixels, on tiles of 3 rows, whose cells show
/// telegraph noise.
struct Bench {
  Matrix<float> weights{kOutputs, 8}, images{kSamples, 50};
  RandomStream stream{4};
  LayerPlan plan;

  explicit Bench(Mapping mapping)
      : plan{.name = "",
             .layer = 0,
             .hardware = {},
             .rule = MappingRule(mapping, 0, 1, {}),
             .mapped = {},
             .tiling = {},
             .dac = {},
             .adc = {},
             .verified_device = nullptr,
             .verified = {},
             .fault_map = {}} {
    for (Matrix<float>* m : {&weights, &images})
      for (Index r = 0; r < m->rows(); ++r)
        stream.normals(device_address(Purpose::cycle, {.layer = m == &images ? 1u : 0u,
                                                       .row = static_cast<std::uint64_t>(r)}),
                       0, {m->row(r), static_cast<std::size_t>(m->columns())});
    LayerHardware hardware;
    hardware.device = devices::with_telegraph(
        devices::make_ideal({}),
        {.fraction = 0.7, .amplitude = 0.3, .trapped = 0.4, .correlation_reads = 2});
    hardware.array.mapping = mapping;
    hardware.array.rows = 3;
    plan = plan_layer("conv", 2, hardware, weights, {}, Dac());
  }
  PatchView view(Index first, Index count) const {
    return {.data = images.row(first),
            .samples = count,
            .channels = 2,
            .height = 5,
            .width = 5,
            .kernel = 2,
            .sample_stride = 50,
            .channel_stride = 25,
            .row_stride = 5,
            .column_stride = 1};
  }
  Matrix<float> read(const Crossbar& crossbar, Index first, Index count) const {
    Matrix<float> y(count, kOutputs * kPositions);
    ReadContext context;
    context.stream = &stream;
    context.read = 3;
    context.first_sample = first;
    crossbar.apply(view(first, count), context, {y.data(), y.columns(), kPositions, 1});
    return y;
  }
};

}  // namespace

TEST_CASE("cells that are read one by one are what the plain product over single reads gives") {
  for (const Mapping mapping :
       {Mapping::differential, Mapping::differential_two_sided, Mapping::offset}) {
    const Bench bench(mapping);
    const Crossbar crossbar(bench.plan, {.stream = &bench.stream}, {});
    const Crossbar still(bench.plan, {.stream = &bench.stream}, {.read_noise = false});
    ReadContext context;
    context.stream = &bench.stream;
    context.read = 3;
    const Matrix<double> judge = reference_product(crossbar, bench.view(0, kSamples), context);
    const Matrix<float> y = bench.read(crossbar, 0, kSamples),
                        quiet = bench.read(still, 0, kSamples);
    double largest = 0, off = 0, noise = 0;
    for (Index i = 0; i < y.size(); ++i) {
      largest = std::fmax(largest, std::fabs(judge.data()[i]));
      off = std::fmax(off, std::fabs(judge.data()[i] - y.data()[i]));
      noise = std::fmax(noise, std::fabs(static_cast<double>(y.data()[i]) - quiet.data()[i]));
    }
    CHECK(off <= 2e-6 * largest);
    CHECK(noise > 1e-2 * largest);
  }
}

TEST_CASE("telegraph noise has the same bits for any split into batches") {
  const Bench bench(Mapping::differential);
  const Crossbar crossbar(bench.plan, {.stream = &bench.stream}, {});
  const Matrix<float> whole = bench.read(crossbar, 0, kSamples);
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 64}, {64, 6}, {3, 9}}) {
    const Matrix<float> part = bench.read(crossbar, first, count);
    for (Index s = 0; s < count; ++s)
      for (Index i = 0; i < part.columns(); ++i) REQUIRE(part(s, i) == whole(first + s, i));
  }
}
