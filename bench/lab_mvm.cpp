#include <benchmark/benchmark.h>

#include "base/parallel.h"
#include "lab/study/mvm.h"

/// The whole of one product: W of 256 x 1152 mapped, converters calibrated on 1000 vectors, one
/// chip programmed and read with all of them, one thread. bench/python_mvm.py does the same from
/// Python, in 1.5 times the time or less.
namespace {

using namespace ohmic;

void multiply(benchmark::State& state, const char* device) {
  set_threads(1);
  ConfigNode root;
  apply_setting(root, std::string("device=") + device);
  const lab::Experiment experiment = lab::make_experiment(root, lab::matrix_defaults());
  Matrix<float> w(256, 1152), x(1000, 1152);
  const RandomStream stream(1);
  stream.normals(device_address(Purpose::cycle, {}), 0,
                 {w.data(), static_cast<std::size_t>(w.size())});
  stream.normals(device_address(Purpose::cycle, {.chip = 1}), 0,
                 {x.data(), static_cast<std::size_t>(x.size())});
  const lab::Mvm mvm{experiment, w, x};
  for (auto _ : state)
    benchmark::DoNotOptimize(lab::multiply(mvm, lab::plan_mvm(mvm), nullptr, true));
  state.counters["GMAC/s"] = benchmark::Counter(static_cast<double>(w.size() * x.rows()) * 1e-9,
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(multiply, ideal, "{model = \"ideal\"}")
    ->Name("lab/mvm/ideal_256x1152")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(multiply, noisy,
                  "{model = \"lognormal\", sigma = 0.3, read_noise = 0.01, "
                  "read_noise_of = \"g_max\"}")
    ->Name("lab/mvm/noisy_256x1152")
    ->Unit(benchmark::kMillisecond);

}  // namespace
