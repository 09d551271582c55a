#include "nn/optimiser.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/elementary.h"
#include "nn/loss.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

/// One weight, its optimiser, and gradients put in by hand.
struct OneWeight {
  Network network =
      testing::network_of("[[layers]]\ntype = \"linear\"\noutputs = 1\nbias = false", {1, 1, 1});
  TrainingParams params;
  ParameterSet<float> w = zero_parameters<float>(network), g = w;
  OptimiserState state;

  explicit OneWeight(OptimiserKind kind) {
    params.optimiser = kind;
    state = initial_state(params, network);
    w[0][0].value(0, 0) = 2.0f;
  }
  double step(double gradient, double rate) {
    g[0][0].value(0, 0) = static_cast<float>(gradient);
    optimise(params, network, g, rate, state, w);
    return static_cast<double>(w[0][0].value(0, 0));
  }
};

TEST_CASE("sgd with momentum and decay takes the steps of its formula") {
  OneWeight one(OptimiserKind::sgd);
  one.params.momentum = 0.5;
  one.params.weight_decay = 0.1;
  CHECK(one.step(1.0, 0.1) == doctest::Approx(2 - 0.1 * 1.2));
  const double w = 2 - 0.1 * 1.2, v = 0.5 * 1.2 + (0.4 + 0.1 * w);
  CHECK(one.step(0.4, 0.2) == doctest::Approx(w - 0.2 * v));
}

TEST_CASE("sgd with Nesterov's momentum takes the steps of its formula") {
  OneWeight one(OptimiserKind::sgd);
  one.params.momentum = 0.5;
  one.params.weight_decay = 0.1;
  one.params.nesterov = true;
  double w = 2, v = 0;
  for (const auto& [gradient, rate] : {std::pair{1.0, 0.1}, {0.4, 0.2}, {-0.7, 0.05}}) {
    const double slope = gradient + 0.1 * w;
    v = 0.5 * v + slope;
    w -= rate * (slope + 0.5 * v);
    CHECK(one.step(gradient, rate) == doctest::Approx(w).epsilon(1e-6));
  }
}

TEST_CASE("decay of weights leaves biases and batch-norm alone") {
  const Network network = testing::network_of(
      "[[layers]]\ntype = \"conv\"\nfilters = 2\nkernel = 1\n[[layers]]\ntype = "
      "\"batch_norm\"\n[[layers]]\ntype = \"linear\"\noutputs = 1",
      {1, 2, 2});
  for (const OptimiserKind kind : {OptimiserKind::sgd, OptimiserKind::adam, OptimiserKind::adamw})
    for (const DecayOn on : {DecayOn::all, DecayOn::weights}) {
      TrainingParams params;
      params.optimiser = kind;
      params.weight_decay = 0.5;
      params.weight_decay_on = on;
      ParameterSet<float> w = initial_parameters(network, 3);
      (*find(w[1], "bias")).fill(0.25f);
      const ParameterSet<float> before = w, gradient = zero_parameters<float>(network);
      OptimiserState state = initial_state(params, network);
      optimise(params, network, gradient, 0.1, state, w);
      for (const std::size_t layer : {0u, 1u, 2u})
        for (const char* name : {"weight", "bias"}) {
          const bool is_matrix = layer != 1 && std::string(name) == "weight";
          const bool moved = *find(w[layer], name) != *find(before[layer], name);
          CHECK(moved == (on == DecayOn::all || is_matrix));
        }
    }
}

TEST_CASE(
    "adam's first step is the rate against the sign, its second follows the corrected moments") {
  OneWeight one(OptimiserKind::adam);
  CHECK(one.step(-0.3, 0.01) == doctest::Approx(2.01).epsilon(1e-6));
  const double m = 0.9 * 0.1 * -0.3 + 0.1 * 0.5, v = 0.999 * 0.001 * 0.09 + 0.001 * 0.25;
  const double step = m / (1 - 0.81) / (std::sqrt(v / (1 - 0.999 * 0.999)) + 1e-8);
  CHECK(one.step(0.5, 0.01) == doctest::Approx(2.01 - 0.01 * step).epsilon(1e-6));
}

TEST_CASE("adam puts decay into the gradient, adamw beside it") {
  OneWeight adam(OptimiserKind::adam), adamw(OptimiserKind::adamw);
  adam.params.weight_decay = adamw.params.weight_decay = 0.5;
  CHECK(adam.step(0.0, 0.01) == doctest::Approx(2 - 0.01).epsilon(1e-6));  // the sign of w
  CHECK(adamw.step(0.0, 0.01) == doctest::Approx(2 - 0.01 * 0.5 * 2).epsilon(1e-6));
}

TEST_CASE("running statistics are not optimised") {
  const Network network = testing::network_of("[[layers]]\ntype = \"batch_norm\"", {1, 1, 1});
  TrainingParams params;
  params.weight_decay = 0.1;
  ParameterSet<float> w = initial_parameters(network, 1), g = w;
  OptimiserState state = initial_state(params, network);
  optimise(params, network, g, 0.1, state, w);
  CHECK((*find(w[0], "running_variance"))(0, 0) == 1.0f);
  CHECK((*find(w[0], "weight"))(0, 0) != 1.0f);
}

TEST_CASE("schedules rise linearly, stay, fall in steps, or along half a cosine") {
  TrainingParams p;
  p.learning_rate = 2;
  p.epochs = 10;
  p.schedule = ScheduleKind::constant;
  CHECK(learning_rate(p, 99, 10) == 2);
  p.warm_up_epochs = 2;
  CHECK(learning_rate(p, 0, 10) == doctest::Approx(0.1));
  CHECK(learning_rate(p, 19, 10) == doctest::Approx(2));
  p.schedule = ScheduleKind::cosine;
  CHECK(learning_rate(p, 20, 10) == 2);
  CHECK(learning_rate(p, 60, 10) == doctest::Approx(1));
  CHECK(learning_rate(p, 99, 10) == doctest::Approx(1 + std::cos(3.14159265358979 * 79 / 80)));
  p.warm_up_epochs = 0;
  p.schedule = ScheduleKind::step;
  p.step_epochs = 3;
  CHECK(learning_rate(p, 29, 10) == 2);
  CHECK(learning_rate(p, 30, 10) == doctest::Approx(0.2));
  CHECK(learning_rate(p, 99, 10) == doctest::Approx(0.002));
}

TEST_CASE("one cycle rises in a line over its share of the steps, and falls along either curve") {
  TrainingParams p;
  p.learning_rate = 2;
  p.epochs = 10;
  p.schedule = ScheduleKind::one_cycle;
  p.warm_up_epochs = 7;  // idle
  p.one_cycle_rise = 0.25;
  CHECK(learning_rate(p, 0, 10) == doctest::Approx(2.0 / 25));
  CHECK(learning_rate(p, 11, 10) == doctest::Approx(2 * 12.0 / 25));
  CHECK(learning_rate(p, 24, 10) == doctest::Approx(2));
  CHECK(learning_rate(p, 25, 10) == doctest::Approx(2));
  CHECK(learning_rate(p, 50, 10) == doctest::Approx(1 + std::cos(3.14159265358979 / 3)));
  CHECK(learning_rate(p, 99, 10) == doctest::Approx(1 + std::cos(3.14159265358979 * 74 / 75)));
  p.one_cycle_fall = CycleFall::linear;
  CHECK(learning_rate(p, 50, 10) == doctest::Approx(2 * 2.0 / 3));
  CHECK(learning_rate(p, 99, 10) == doctest::Approx(2.0 / 75));
  p.one_cycle_rise = 0;
  CHECK(learning_rate(p, 0, 10) == 2);
  p.one_cycle_rise = 1;
  CHECK(learning_rate(p, 99, 10) == 2);
}

TEST_CASE("the loss is minus the log of the softmax, its gradient softmax minus one-hot") {
  Matrix<double> logits(3, kLanes), gradient(3, kLanes, 9.0);
  logits(0, 0) = 1;
  logits(1, 0) = 2;
  logits(2, 0) = -1;
  logits(0, 1) = 1000;  // overflows a naive softmax
  const Label labels[] = {1, 0};
  Score scores[2];
  softmax_cross_entropy<double>(logits, labels, scores, 0.5, gradient);
  const double sum = std::exp(1) + std::exp(2) + std::exp(-1);
  CHECK(scores[0].loss == doctest::Approx(std::log(sum) - 2));
  CHECK(scores[1].loss == doctest::Approx(0));
  CHECK(gradient(0, 0) == doctest::Approx(0.5 * std::exp(1) / sum));
  CHECK(gradient(1, 0) == doctest::Approx(0.5 * (std::exp(2) / sum - 1)));
  CHECK(gradient(2, 5) == 0.0);
}

TEST_CASE("label smoothing is the cross-entropy of smoothed labels, and so is its gradient") {
  constexpr double kSmoothing = 0.15, kStep = 1e-5;
  Matrix<double> logits(4, kLanes), gradient(4, kLanes);
  for (Index c = 0; c < 4; ++c)
    for (Index lane = 0; lane < 3; ++lane)
      logits(c, lane) = std::sin(static_cast<double>(3 * c + lane)) * 2;
  const Label labels[] = {1, 3, 0};
  const auto loss = [&](View<double> slope) {
    Score scores[3];
    softmax_cross_entropy<double>(logits, labels, scores, 0.5, slope, kSmoothing);
    return 0.5 * (scores[0].loss + scores[1].loss + scores[2].loss);
  };
  double wanted = 0;
  for (Index lane = 0; lane < 3; ++lane) {
    double sum = 0;
    for (Index c = 0; c < 4; ++c) sum += std::exp(logits(c, lane));
    for (Index c = 0; c < 4; ++c) {
      const double label =
          (c == static_cast<Index>(labels[lane]) ? 1 - kSmoothing : 0) + kSmoothing / 4;
      wanted -= 0.5 * label * (logits(c, lane) - std::log(sum));
    }
  }
  CHECK(loss(gradient) == doctest::Approx(wanted).epsilon(1e-12));
  for (Index c = 0; c < 4; ++c)
    for (Index lane = 0; lane < 3; ++lane) {
      const double value = logits(c, lane);
      logits(c, lane) = value + kStep;
      const double above = loss({});
      logits(c, lane) = value - kStep;
      const double below = loss({});
      logits(c, lane) = value;
      CHECK(std::abs((above - below) / (2 * kStep) - gradient(c, lane)) < 1e-9);
    }
  CHECK(gradient(2, 3) == 0.0);
}

TEST_CASE("ranks count the classes ahead; ties go to the first class and NaN is never right") {
  Matrix<float> logits(6, kLanes);
  for (Index c = 0; c < 6; ++c) logits(c, 0) = static_cast<float>(c);
  logits(3, 2) = std::numeric_limits<float>::quiet_NaN();
  const Label labels[] = {2, 0, 0, 3};
  Score scores[4];
  logits(3, 3) = std::numeric_limits<float>::quiet_NaN();
  softmax_cross_entropy<float>(logits, labels, scores);
  CHECK(scores[0].rank == 3);
  CHECK(scores[1].rank == 0);  // all equal: the first leads
  CHECK(scores[2].rank == 1);  // behind NaN
  CHECK(scores[3].rank == 5);  // NaN itself
}

}  // namespace
}  // namespace ohmic::nn
