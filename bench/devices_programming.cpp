#include <benchmark/benchmark.h>

#include "devices/lognormal.h"

/// Goal: at most 2 ns per device and core to program ten million devices, memory reused.
using namespace ohmic;
using namespace ohmic::devices;

namespace {

void program(benchmark::State& state, bool on_device) {
  LognormalParams params;
  params.on_device = on_device;
  const auto model = make_lognormal(params);
  const Index rows = state.range(0), columns = state.range(1);
  const Matrix<float> target(rows, columns, 20e-6f);
  const RandomStream stream(1);
  Cells cells;
  model->program({.stream = &stream}, target, cells);
  Matrix<float> w(rows, columns);
  for (auto _ : state) {
    if (on_device)
      model->program({.stream = &stream}, target, cells);
    else
      model->weights()->perturb({.stream = &stream}, target, w);
    benchmark::ClobberMemory();
  }
  state.counters["devices/s"] = benchmark::Counter(static_cast<double>(rows * columns),
                                                   benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(program, lognormal_devices, true)->Args({3200, 3200})->Args({128, 128});
BENCHMARK_CAPTURE(program, lognormal_weights, false)->Args({3200, 3200});

}  // namespace
