#include "nn/monitor.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/statistics.h"
#include "folder.h"
#include "nn/lipschitz.h"
#include "nn/trainer.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::Folder;
using testing::network_of;
using testing::synthetic_data;

Network two_layers() {
  return network_of(R"(
    [[layers]]
    type = "conv"
    name = "c"
    filters = 4
    kernel = 2
    [[layers]]
    type = "relu"
    name = "r"
    [[layers]]
    type = "flatten"
    name = "f"
    [[layers]]
    type = "linear"
    name = "l"
    outputs = 3
  )",
                    {1, 6, 6});
}

TEST_CASE("monitors of a network whose numbers are known") {
  // A 2 x 2 convolution whose four filters pick one pixel each, one of them twice as strongly:
  // singular values 2, 1, 1, 1. With single weights, sum w^2 E[x^2] is E[y^2] summed over outputs.
  const Network network = two_layers();
  ParameterSet<float> parameters = zero_parameters<float>(network);
  Matrix<float>& w = *find(parameters[0], "weight");
  for (Index i = 0; i < 4; ++i) w(i, i) = i == 0 ? 2.0f : 1.0f;
  const Data data = synthetic_data(300);
  const double sigma = 0.5;
  const LayerMonitors m =
      monitor_layers(network, parameters, data.train, data.normalisation, sigma);
  CHECK(m.s_max[0] == doctest::Approx(2));
  CHECK(m.condition_number[0] == doctest::Approx(2));
  CHECK(std::isinf(m.condition_number[1]));  // the linear layer is zero
  CHECK(m.noise_gain[1] == 0);
  double square = 0, variance = 0;
  const auto& set = *data.train.set;
  for (Index o = 0; o < 4; ++o) {
    Moments y;
    double own = 0, count = 0;
    for (Index image = 0; image < kMonitorImages; ++image)
      for (Index row = 0; row < 5; ++row)
        for (Index column = 0; column < 5; ++column) {
          const Index pixel = image * 36 + (row + o / 2) * 6 + column + o % 2;
          const double raw = set.pixels[static_cast<std::size_t>(pixel)];
          const double value = (raw - data.normalisation.mean[0]) /
                               data.normalisation.deviation[0] * (o == 0 ? 2 : 1);
          own += value * value;
          count += 1;
          y.add(value);
        }
    square += own / count;
    variance += y.variance();
  }
  const double cv = std::sqrt(std::exp(sigma * sigma) - 1);
  CHECK(m.noise_gain[0] == doctest::Approx(cv * std::sqrt(square / variance)).epsilon(1e-4));
}

TEST_CASE("the penalty makes layers better conditioned, and a checkpoint keeps every epoch") {
  const Network network = two_layers();
  const Data data = synthetic_data(400);
  TrainingParams params;
  params.epochs = 4;
  params.batch = 50;
  params.learning_rate = 0.02;
  TrainingParams longer = params;
  longer.epochs = 30;
  const auto last_condition = [&](bool penalised) {
    TrainingHooks hooks;
    hooks.quiet = true;
    if (penalised)
      hooks.penalty = [&](const ParameterSet<float>& at, ParameterSet<float>& gradient) {
        double value = 0;
        for (const Index layer : network.mac_layers()) {
          const auto l = static_cast<std::size_t>(layer);
          value += orthogonal_penalty<float>(at[l][0].value, 0.34, 5, gradient[l][0].value);
        }
        return value;
      };
    const TrainingState state =
        train(network, data, longer, initial_training_state(network, longer), hooks);
    REQUIRE(state.course.monitors.size() == 30);
    return state.course.monitors.back().condition_number;
  };
  const auto free = last_condition(false), held = last_condition(true);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(held[k] < free[k]);
    CHECK(held[k] < 1.5);
  }
  const Folder folder("monitor");
  TrainingHooks hooks;
  hooks.quiet = true;
  hooks.checkpoint = folder / "net.h5";
  const TrainingState state =
      train(network, data, params, initial_training_state(network, params), hooks);
  const Checkpoint found = load_checkpoint(folder / "net.h5", network);
  REQUIRE(found.state.course.monitors.size() == 4);
  for (std::size_t e = 0; e < 4; ++e) {
    CHECK(found.state.course.monitors[e].s_max == state.course.monitors[e].s_max);
    CHECK(found.state.course.monitors[e].noise_gain == state.course.monitors[e].noise_gain);
  }
}

}  // namespace
}  // namespace ohmic::nn
