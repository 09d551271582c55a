#include <benchmark/benchmark.h>

#include <vector>

#include "base/kernels.h"
#include "base/matrix.h"
#include "base/random_stream.h"

/// Goals on one core with AVX-512: products at 90 % of what the same loop reaches from L1 ("peak"),
/// normals at 0.8 ns.
namespace {

using namespace ohmic;

/// A product of outputs x rows for a lane block; the rate is in multiply-accumulates.
void product(benchmark::State& state) {
  const std::ptrdiff_t outputs = state.range(0), rows = state.range(1);
  std::vector<float> a(static_cast<std::size_t>(outputs * rows), 0.5f);
  AlignedVector<float> x(static_cast<std::size_t>(rows * kLanes), 0.25f),
      y(static_cast<std::size_t>(outputs * kLanes));
  std::vector<std::int32_t> offset;
  for (std::ptrdiff_t r = 0; r < rows; ++r) offset.push_back(static_cast<std::int32_t>(r * kLanes));
  for (auto _ : state) {
    kernels().f32.lane_product(outputs, rows, a.data(), rows, x.data(), offset.data(), y.data(),
                               kLanes);
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] = benchmark::Counter(static_cast<double>(outputs * rows * kLanes) * 1e-9,
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(product)->Name("base/product/peak_6x64")->Args({6, 64});
BENCHMARK(product)->Name("base/product/conv1_6x25")->Args({6, 25});
BENCHMARK(product)->Name("base/product/conv2_16x150")->Args({16, 150});
BENCHMARK(product)->Name("base/product/fc1_120x400")->Args({120, 400});
BENCHMARK(product)->Name("base/product/tile_64x128")->Args({64, 128});

void gradient(benchmark::State& state) {
  const std::ptrdiff_t outputs = state.range(0), rows = state.range(1), positions = state.range(2);
  AlignedVector<float> dy(static_cast<std::size_t>(outputs * positions * kLanes), 0.5f);
  AlignedVector<float> x(static_cast<std::size_t>((rows + positions) * kLanes), 0.25f);
  std::vector<float> dw(static_cast<std::size_t>(outputs * rows));
  std::vector<std::int32_t> row_offset, position_offset;
  for (std::ptrdiff_t r = 0; r < rows; ++r)
    row_offset.push_back(static_cast<std::int32_t>(r * kLanes));
  for (std::ptrdiff_t p = 0; p < positions; ++p)
    position_offset.push_back(static_cast<std::int32_t>(p * kLanes));
  for (auto _ : state) {
    kernels().f32.lane_gradient(outputs, rows, positions, dy.data(), positions * kLanes, x.data(),
                                row_offset.data(), position_offset.data(), dw.data(), rows);
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] =
      benchmark::Counter(static_cast<double>(outputs * rows * positions * kLanes) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(gradient)->Name("base/gradient/conv2_16x150x100")->Args({16, 150, 100});
BENCHMARK(gradient)->Name("base/gradient/fc1_120x400")->Args({120, 400, 1});

void normals(benchmark::State& state) {
  std::vector<float> z(1 << 16);
  const RandomStream stream(1);
  for (auto _ : state) {
    stream.normals(device_address(Purpose::cycle, {}), 0, z);
    benchmark::ClobberMemory();
  }
  state.counters["normals/s"] = benchmark::Counter(static_cast<double>(z.size()),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(normals)->Name("base/normals/65536");

void normals_v3(benchmark::State& state) {
  const std::string before{kernels().level};
  choose_kernels("v3");
  normals(state);
  choose_kernels(before);
}
BENCHMARK(normals_v3)->Name("base/normals_avx2/65536");

void sample_normals(benchmark::State& state) {
  std::vector<float> z(4 * kLanes);
  const RandomStream stream(1);
  const Address row = lumped_read_address({});
  for (auto _ : state) {
    stream.sample_normals(row, 0, z.data());
    benchmark::ClobberMemory();
  }
  state.counters["normals/s"] = benchmark::Counter(static_cast<double>(z.size()),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(sample_normals)->Name("base/sample_normals/256");

}  // namespace
