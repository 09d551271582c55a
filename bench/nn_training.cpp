#include <benchmark/benchmark.h>

#include "base/parallel.h"
#include "nn/inference.h"
#include "nn/trainer.h"

/// LeNet-5 on made-up 28x28 images. Goals on 2 cores: 60,000 training images/s, 200,000 classified
/// images/s.
namespace {

using namespace ohmic;
using namespace ohmic::nn;

ImageList made_up_images(Index count) {
  auto set = std::make_shared<Dataset>();
  set->shape = {1, 28, 28};
  set->classes = 10;
  for (Index i = 0; i < count * set->shape.features(); ++i)
    set->pixels.push_back(static_cast<std::uint8_t>(i * 2654435761u >> 24));
  ImageList list{set, {}};
  for (Index i = 0; i < count; ++i) {
    set->labels.push_back(static_cast<Label>(i % 10));
    list.index.push_back(i);
  }
  return list;
}

void train_lenet5(benchmark::State& state) {
  set_threads(static_cast<int>(state.range(0)));
  Data data;
  data.train = made_up_images(12800);
  data.normalisation = {{128.0}, {74.0}};
  NetworkParams params;
  params.model = "lenet5";
  const Network network = build_network(params, {1, 28, 28}, 10);
  TrainingParams training;
  training.epochs = 1;
  for (auto _ : state)
    benchmark::DoNotOptimize(
        train(network, data, training, initial_training_state(network, training), {.quiet = true}));
  state.counters["images/s"] = benchmark::Counter(static_cast<double>(data.train.size()),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(train_lenet5)
    ->Name("nn/train/lenet5_threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void classify_lenet5(benchmark::State& state) {
  set_threads(static_cast<int>(state.range(0)));
  const ImageList images = made_up_images(10000);
  NetworkParams params;
  params.model = "lenet5";
  const Network network = build_network(params, {1, 28, 28}, 10);
  const auto parameters = initial_parameters(network, 1);
  for (auto _ : state)
    benchmark::DoNotOptimize(evaluate(network, parameters, images, {{128.0}, {74.0}}));
  state.counters["images/s"] = benchmark::Counter(static_cast<double>(images.size()),
                                                  benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(classify_lenet5)
    ->Name("nn/classify/lenet5_threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
