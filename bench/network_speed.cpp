#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>

#include "base/parallel.h"
#include "bench/base_peak.h"
#include "nn/forward.h"
#include "nn/inference.h"
#include "nn/layer_catalogue.h"
#include "nn/optimiser.h"
#include "nn/training_step.h"

/// Speed of whole networks and of their layers on made-up images.
///   network_speed MODEL TASK [BATCH [THREADS [SECONDS]]]
/// TASK: train | infer (prints images/s of the fastest step, for bench/against_torch.py), or layers
/// (a table of GFLOP/s and shares of the peak, per layer and pass, for docs/performance.md).
namespace {

using namespace ohmic;
using namespace ohmic::nn;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds of the fastest of many runs that take about `seconds` together.
double fastest(double seconds, const std::function<void()>& run) {
  double best = 1e300;
  const double end = now() + seconds;
  do {
    const double start = now();
    run();
    best = std::min(best, now() - start);
  } while (now() < end);
  return best;
}

Data made_up_data(const Shape& shape, Index images, Index classes) {
  auto set = std::make_shared<Dataset>();
  set->shape = shape;
  set->classes = classes;
  for (Index i = 0; i < images * shape.features(); ++i)
    set->pixels.push_back(static_cast<std::uint8_t>(i * 2654435761u >> 24));
  Data data;
  data.train.set = set;
  for (Index i = 0; i < images; ++i) {
    set->labels.push_back(static_cast<Label>(i % classes));
    data.train.index.push_back(i);
  }
  const auto channels = static_cast<std::size_t>(shape.channels);
  data.normalisation = {std::vector<double>(channels, 128), std::vector<double>(channels, 74)};
  return data;
}

double train_speed(const Network& network, const Data& data, Index batch, double seconds) {
  TrainingParams params;
  params.optimiser = OptimiserKind::sgd;
  ParameterSet<float> parameters = initial_parameters(network, 1);
  OptimiserState state = initial_state(params, network);
  const RandomStream stream(1);
  const StepRules rules;
  TrainingStep step(network, data, batch, stream, rules);
  std::vector<Index> images(static_cast<std::size_t>(batch));
  std::uint64_t number = 0;
  return static_cast<double>(batch) / fastest(seconds, [&] {
           for (std::size_t i = 0; i < images.size(); ++i)
             images[i] = static_cast<Index>((number * images.size() + i) % data.train.index.size());
           step.compute(parameters, images, number++, Statistics::batch);
           for (Index block = 1; block < step.blocks(images.size()); ++block)
             for_each_parameter(
                 [](Matrix<float>& sum, const Matrix<float>& g) {
                   kernels().f32.accumulate(sum.size(), g.data(), 1.0f, sum.data());
                 },
                 step.gradient(), step.observed(block));
           optimise(params, network, step.gradient(), 1e-3, state, parameters);
         });
}

double inference_speed(const Network& network, const Data& data, Index batch, double seconds) {
  const ParameterSet<float> parameters = initial_parameters(network, 1);
  return static_cast<double>(data.train.size()) / fastest(seconds, [&] {
           evaluate(network, parameters, data.train, data.normalisation, nullptr, {.batch = batch});
         });
}

void print_layers(const Network& network, double seconds) {
  const double peak = bench::peak_macs(threads());
  fmt::print("peak {:.1f} GFLOP/s, {} threads, {}\n", 2e-9 * peak, threads(), kernels().level);
  fmt::print("{:10} {:>22} {:>9} {:>18} {:>18} {:>18}\n", "layer", "shape", "MMAC", "forward",
             "by the input", "by the weights");
  const ParameterSet<float> parameters = initial_parameters(network, 1);
  double total[3] = {};
  for (const Index l : network.mac_layers()) {
    const LayerStructure& s = network.structure(l);
    const Layer<float>& layer = network.layer<float>(l);
    const auto room = [](Index n) { return AlignedVector<float>(static_cast<std::size_t>(n)); };
    AlignedVector<float> x = room(s.inputs[0].features() * kLanes), dx = x,
                         y = room(s.output.features() * kLanes), dy = y, state = room(s.state),
                         work = room(s.work), scratch = room(s.scratch),
                         prepared = room(s.prepared);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = static_cast<float>(i % 5) - 2;
    ParameterSet<float> gradient = zero_parameters<float>(network);
    const auto at = static_cast<std::size_t>(l);
    const float* inputs[] = {x.data()};
    float *to_input[] = {dx.data()}, *to_nothing[] = {nullptr};
    const Pass pass{.mode = Mode::training};
    const double macs = static_cast<double>(s.mac->count() * kLanes);
    const auto backward = [&](bool is_frozen, std::span<float* const> to) {
      layer.backward({pass, inputs, y.data(), dy.data(), parameters[at], state.data(), work.data(),
                      scratch.data(), is_frozen, to, gradient[at]});
    };
    layer.prepare(parameters[at], prepared.data());
    const double share = seconds / static_cast<double>(3 * network.mac_layers().size());
    const double times[3] = {fastest(share,
                                     [&] {
                                       layer.forward({pass, l, inputs, parameters[at], nullptr,
                                                      state.data(), scratch.data(), y.data()});
                                     }),
                             fastest(share, [&] { backward(true, to_input); }),
                             fastest(share, [&] { backward(false, to_nothing); })};
    fmt::print("{:10} {:>22} {:9.2f}", network.name(l),
               text(s.inputs[0]) + " -> " + std::to_string(s.output.channels),
               1e-6 * static_cast<double>(s.mac->count()));
    for (int i = 0; i < 3; ++i) {
      total[i] += times[i];
      fmt::print(" {:8.0f} ({:4.0f} %)", 2e-9 * macs / times[i], 100 * macs / times[i] / peak);
    }
    fmt::print("\n");
  }
  const double all = static_cast<double>(network.macs() * kLanes);
  fmt::print("{:10} {:>22} {:9.2f}", "all", "", 1e-6 * static_cast<double>(network.macs()));
  for (const double time : total)
    fmt::print(" {:8.0f} ({:4.0f} %)", 2e-9 * all / time, 100 * all / time / peak);
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) {
    return std::string(argc > i ? argv[i] : otherwise);
  };
  NetworkParams params;
  params.model = argument(1, "lenet5");
  const std::string task = argument(2, "train");
  const Index batch = std::stol(argument(3, "64"));
  set_threads(std::stoi(argument(4, "2")));
  const double seconds = std::stod(argument(5, "10"));
  if (const auto colon = params.model.find(':'); colon != std::string::npos) {
    params.width = std::stod(params.model.substr(colon + 1));
    params.model.resize(colon);
  }
  const bool is_lenet = params.model == "lenet5";
  const Shape shape = is_lenet ? Shape{1, 28, 28} : Shape{3, 32, 32};
  const Network network = build_network(params, shape, 10);
  if (task == "layers") {
    print_layers(network, seconds);
    return 0;
  }
  const Data data = made_up_data(shape, is_lenet ? 12800 : 1920, 10);
  fmt::print("{:.1f}\n", task == "train" ? train_speed(network, data, batch, seconds)
                                         : inference_speed(network, data, batch, seconds));
}
