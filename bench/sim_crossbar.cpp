#include <benchmark/benchmark.h>

#include <vector>

#include "base/parallel.h"
#include "devices/ideal.h"
#include "devices/lognormal.h"
#include "sim/calibration.h"

/// Reading a layer of 1152 inputs and 256 outputs on 128-row tiles, 1,008 vectors, one thread.
/// Goals (one core, AVX-512): 50 GMAC/s without converters, 40 with 8-bit converters, 30 with read
/// noise of one size, 20 with noise of every cell.
namespace {

using namespace ohmic;
using namespace ohmic::sim;

void read(benchmark::State& state, bool converters, double noise, const char* of) {
  set_threads(1);
  const Index n_out = 256, n_in = 1152, vectors = 1008;
  Matrix<float> w(n_out, n_in), x(vectors, n_in);
  const RandomStream stream(1);
  stream.normals(device_address(Purpose::cycle, {}), 0,
                 {w.data(), static_cast<std::size_t>(w.size())});
  stream.normals(device_address(Purpose::cycle, {.chip = 1}), 0,
                 {x.data(), static_cast<std::size_t>(x.size())});
  devices::IdealParams params;
  params.cell.read_noise = noise;
  params.cell.read_noise_of = of;
  LayerHardware hardware;
  hardware.device = devices::make_ideal(params);
  const std::vector<PatchView> inputs{{.data = x.data(),
                                       .samples = vectors,
                                       .channels = n_in,
                                       .sample_stride = n_in,
                                       .channel_stride = 1}};
  LayerPlan plan = plan_layer("w", 0, hardware, w, {}, calibrate_dac(hardware.dac, inputs));
  plan.adc = calibrate_adc(plan, inputs);
  const Crossbar crossbar(plan, {.stream = &stream},
                          {.read_noise = noise > 0, .converters = converters});
  ReadContext context;
  context.stream = &stream;
  Matrix<float> y(vectors, n_out);
  for (auto _ : state) {
    crossbar.apply(inputs[0], context, {y.data(), n_out, 1, 0});
    benchmark::ClobberMemory();
  }
  state.counters["GMAC/s"] = benchmark::Counter(static_cast<double>(n_out * n_in * vectors) * 1e-9,
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(read, plain, false, 0.0, "")->Name("sim/read/plain_256x1152");
BENCHMARK_CAPTURE(read, converters, true, 0.0, "")->Name("sim/read/converters_256x1152");
BENCHMARK_CAPTURE(read, uniform_noise, true, 0.01, "g_max")
    ->Name("sim/read/uniform_noise_256x1152");
BENCHMARK_CAPTURE(read, cell_noise, true, 0.01, "g")->Name("sim/read/cell_noise_256x1152");

void program(benchmark::State& state) {
  Matrix<float> w(1000, 1000, 0.5f);
  const RandomStream stream(1);
  const auto device = devices::make_lognormal({});
  const MappingRule rule(Mapping::differential, device->g_min(), device->g_max(), device->levels());
  for (auto _ : state)
    benchmark::DoNotOptimize(
        program_array(device, rule, w, {.stream = &stream}, Programming::drawn, 0));
  state.counters["devices/s"] = benchmark::Counter(2.0 * static_cast<double>(w.size()),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(program)->Name("sim/program/lognormal_1000x1000")->Unit(benchmark::kMillisecond);

}  // namespace
