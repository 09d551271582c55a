#include "nn/training_step.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "nn/perturbation.h"
#include "nn/trainer.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using testing::network_of;
using testing::synthetic_data;

Network two_layers() {
  return network_of(R"(
    [[layers]]
    type = "linear"
    name = "a"
    outputs = 5
    [[layers]]
    type = "relu"
    name = "r"
    [[layers]]
    type = "linear"
    name = "b"
    outputs = 3
  )",
                    {1, 6, 6});
}

ParameterSet<double> in_double(const Network& network, const ParameterSet<float>& parameters) {
  ParameterSet<double> out = zero_parameters<double>(network);
  for (std::size_t l = 0; l < out.size(); ++l)
    for (std::size_t p = 0; p < out[l].size(); ++p)
      for (Index i = 0; i < out[l][p].value.size(); ++i)
        out[l][p].value.data()[i] = parameters[l][p].value.data()[i];
  return out;
}

/// All outputs of the first 64 training images, in double.
struct Outputs {
  Workspace<double> workspace;
  std::vector<Label> labels = std::vector<Label>(64);
  Outputs(const Network& network, const ParameterSet<double>& parameters, const Data& data)
      : workspace(network, Kept::outputs) {
    std::vector<Index> places(64);
    std::iota(places.begin(), places.end(), 0);
    fill_lanes<double>(data.train, data.normalisation, places, workspace.input(), labels);
    forward(network, parameters, workspace, {.samples = 64});
  }
};

double log_softmax(const Outputs& o, Index layer, Index c, Index lane, double temperature) {
  const auto y = o.workspace.output(layer);
  double sum = 0;
  for (Index k = 0; k < 3; ++k) sum += std::exp(y(k, lane) / temperature);
  return y(c, lane) / temperature - std::log(sum);
}

double cross_entropy(const Outputs& o) {
  double sum = 0;
  for (Index lane = 0; lane < 64; ++lane)
    sum -= log_softmax(o, 2, o.labels[static_cast<std::size_t>(lane)], lane, 1) / 64;
  return sum;
}

/// Compares the gradient of a step with central differences of `loss` at every weight of layer 0
/// and the biases of layer 2.
void check_gradient(const Network& network, const Data& data, const ParameterSet<float>& at,
                    const StepRules& rules,
                    const std::function<double(const ParameterSet<double>&)>& loss) {
  const RandomStream stream(1);
  TrainingStep step(network, data, 64, stream, rules);
  std::vector<Index> images(64);
  std::iota(images.begin(), images.end(), 0);
  step.compute(at, images, 0);
  ParameterSet<double> moved = in_double(network, at);
  double worst = 0, largest = 0;
  for (const auto& [l, p] : {std::pair<std::size_t, std::size_t>{0, 0}, {2, 1}})
    for (Index i = 0; i < at[l][p].value.size(); ++i) {
      double& w = moved[l][p].value.data()[i];
      const double kept = w, h = 1e-5;
      w = kept + h;
      const double above = loss(moved);
      w = kept - h;
      const double below = loss(moved);
      w = kept;
      const double slope = (above - below) / (2 * h);
      worst = std::fmax(worst, std::fabs(slope - step.gradient()[l][p].value.data()[i]));
      largest = std::fmax(largest, std::fabs(slope));
    }
  CHECK(largest > 1e-3);
  CHECK(worst <= 1e-4 * largest);  // single precision against double
}

TEST_CASE("injection draws anew for 64 images, and the clean weight follows dL/dw~ e^theta") {
  // The mean loss over two micro-batches, each with its own weights w e^theta: its derivative by w,
  // written out for a linear layer. The thetas come from the stream at the addresses of the two.
  const Network network = network_of("[[layers]]\ntype = \"linear\"\noutputs = 3", {1, 6, 6});
  const Data data = synthetic_data(128);
  const ParameterSet<float> at = initial_parameters(network, 1);
  const RandomStream stream(1);
  const LogNormalPerturbation perturbation(0.5);
  StepRules rules;
  rules.perturbation = &perturbation;
  TrainingStep step(network, data, 128, stream, rules);
  std::vector<Index> images(128);
  std::iota(images.begin(), images.end(), 0);
  const std::uint64_t kStep = 7;
  step.compute(at, images, kStep);
  step.compute(at, images, kStep);  // starts from 0 each time
  // compute() leaves the micro-batches apart; the trainer adds them in order.
  Matrix<double> expected[2] = {{3, 36}, {3, 36}};
  Matrix<double> slope[2] = {{3, 36}, {3, 36}};
  double worst = 0, largest = 0;
  for (std::uint64_t b = 0; b < 2; ++b) {
    Matrix<float> noisy(3, 36), derivative(3, 36);
    perturbation.draw(stream, Purpose::training_noise, {.step = kStep, .micro_batch = b},
                      at[0][0].value, noisy, derivative);
    for (Index i = 0; i < noisy.size(); ++i) {
      slope[b].data()[i] = derivative.data()[i];
      CHECK(noisy.data()[i] == at[0][0].value.data()[i] * derivative.data()[i]);
    }
    for (Index image = 0; image < 64; ++image) {
      const auto place = static_cast<std::size_t>(static_cast<Index>(b) * 64 + image);
      std::vector<double> x(36), y(3);
      for (std::size_t i = 0; i < 36; ++i)
        x[i] = (data.train.set->pixels[place * 36 + i] - data.normalisation.mean[0]) /
               data.normalisation.deviation[0];
      double sum = 0;
      for (Index o = 0; o < 3; ++o) {
        double& own = y[static_cast<std::size_t>(o)];
        own = at[0][1].value(0, o);
        for (Index i = 0; i < 36; ++i) own += noisy(o, i) * x[static_cast<std::size_t>(i)];
        sum += std::exp(own);
      }
      for (Index o = 0; o < 3; ++o) {
        const double error = std::exp(y[static_cast<std::size_t>(o)]) / sum -
                             (data.train.set->labels[place] == o ? 1 : 0);
        for (Index i = 0; i < 36; ++i)
          expected[b](o, i) += error * x[static_cast<std::size_t>(i)] / 128 * slope[b](o, i);
      }
    }
    const Matrix<float>& found = step.observed(static_cast<Index>(b))[0][0].value;
    for (Index i = 0; i < found.size(); ++i) {
      worst = std::fmax(worst, std::fabs(found.data()[i] - expected[b].data()[i]));
      largest = std::fmax(largest, std::fabs(expected[b].data()[i]));
    }
  }
  CHECK(largest > 1e-2);
  CHECK(worst <= 1e-5 * largest);
  // The draws of the two micro-batches, and of another step, differ in every weight.
  Matrix<float> noisy(3, 36), other(3, 36);
  perturbation.draw(stream, Purpose::training_noise, {.step = kStep + 1}, at[0][0].value, noisy,
                    other);
  for (Index i = 0; i < other.size(); ++i) {
    CHECK(slope[0].data()[i] != slope[1].data()[i]);
    CHECK(slope[0].data()[i] != other.data()[i]);
  }
}

TEST_CASE("distillation has the gradient of (1 - w) CE + w T^2 KL(teacher || student)") {
  const Network network = two_layers();
  const Data data = synthetic_data(80);
  const ParameterSet<float> student = initial_parameters(network, 1),
                            teacher = initial_parameters(network, 2);
  const Distillation rule{.teacher = {&network, &teacher}, .temperature = 3, .weight = 0.7};
  StepRules rules;
  rules.distillation = &rule;
  const Outputs taught(network, in_double(network, teacher), data);
  check_gradient(network, data, student, rules, [&](const ParameterSet<double>& at) {
    const Outputs own(network, at, data);
    double divergence = 0;
    for (Index lane = 0; lane < 64; ++lane)
      for (Index c = 0; c < 3; ++c) {
        const double q = log_softmax(taught, 2, c, lane, 3);
        divergence += std::exp(q) * (q - log_softmax(own, 2, c, lane, 3)) / 64;
      }
    return 0.3 * cross_entropy(own) + 0.7 * 9 * divergence;
  });
}

TEST_CASE("feature matching has the gradient of weight / features |z - y|^2 per sample") {
  const Network network = two_layers();
  const Data data = synthetic_data(80);
  const ParameterSet<float> own = initial_parameters(network, 1),
                            clean = initial_parameters(network, 2);
  const FeatureMatching rule{.clean = {&network, &clean}, .layers = {{1, 1}}, .weight = 0.4};
  StepRules rules;
  rules.matching = &rule;
  const Outputs wanted(network, in_double(network, clean), data);
  check_gradient(network, data, own, rules, [&](const ParameterSet<double>& at) {
    const Outputs here(network, at, data);
    const auto z = here.workspace.output(1), y = wanted.workspace.output(1);
    double square = 0;
    for (Index f = 0; f < 5; ++f)
      for (Index lane = 0; lane < 64; ++lane)
        square += (z(f, lane) - y(f, lane)) * (z(f, lane) - y(f, lane));
    return cross_entropy(here) + 0.4 / 5 * square / 64;
  });
}

TEST_CASE("a sharpness-aware step goes down the gradient at w + r w^2 g / | |w| g |") {
  const Network network = network_of("[[layers]]\ntype = \"linear\"\noutputs = 3", {1, 6, 6});
  const Data data = synthetic_data(64);
  TrainingParams params;
  params.optimiser = OptimiserKind::sgd;
  params.momentum = 0;
  params.learning_rate = 0.25;
  params.schedule = ScheduleKind::constant;
  params.epochs = 1;
  params.batch = 64;
  TrainingHooks hooks;
  hooks.quiet = true;
  const TrainingState start = initial_training_state(network, params);
  const auto moved_by = [&](const TrainingState& from) {
    const TrainingState to = train(network, data, params, from, hooks);
    std::vector<double> step;
    for (Index i = 0; i < 3 * 36; ++i)
      step.push_back(static_cast<double>(to.parameters[0][0].value.data()[i]) -
                     from.parameters[0][0].value.data()[i]);
    return step;
  };
  const double radius = 0.3;
  const std::vector<double> plain = moved_by(start);  // - rate g
  double norm = 0;
  const Matrix<float>& w = start.parameters[0][0].value;
  for (Index i = 0; i < w.size(); ++i) {
    const double g = -plain[static_cast<std::size_t>(i)] / params.learning_rate;
    norm += w.data()[i] * g * w.data()[i] * g;
  }
  TrainingState worst = start;
  for (Index i = 0; i < w.size(); ++i) {
    const double value = w.data()[i],
                 g = -plain[static_cast<std::size_t>(i)] / params.learning_rate;
    worst.parameters[0][0].value.data()[i] =
        static_cast<float>(value + radius * value * value * g / std::sqrt(norm));
  }
  const std::vector<double> expected = moved_by(worst);
  hooks.sharpness_radius = radius;
  const std::vector<double> found = moved_by(start);
  double largest = 0, difference = 0, from_plain = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::fmax(largest, std::fabs(expected[i]));
    difference = std::fmax(difference, std::fabs(found[i] - expected[i]));
    from_plain = std::fmax(from_plain, std::fabs(plain[i] - expected[i]));
  }
  CHECK(difference <= 1e-4 * largest);
  CHECK(from_plain > 100 * difference);  // the two steps differ, so the check can fail
}

}  // namespace
}  // namespace ohmic::nn
