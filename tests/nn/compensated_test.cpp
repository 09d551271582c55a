#include "nn/compensated.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "nn/correction.h"
#include "nn/forward.h"
#include "nn/loss.h"
#include "nn/perturbation.h"
#include "synthetic.h"

using namespace ohmic;
using namespace ohmic::nn;

namespace {

Network small_network() {
  NetworkSpec spec = spec_from_toml(R"(
[[layers]]
type = "conv"
name = "conv1"
filters = 3
kernel = 3
[[layers]]
type = "relu"
[[layers]]
type = "max_pool"
kernel = 2
[[layers]]
type = "flatten"
[[layers]]
type = "linear"
name = "fc1"
outputs = 6
[[layers]]
type = "relu"
[[layers]]
type = "linear"
name = "fc2"
outputs = 4
)",
                                    "test");
  return {spec, {2, 8, 8}};
}

/// Logits of random images, in double.
Matrix<double> logits(const Network& network, const ParameterSet<double>& parameters,
                      unsigned seed = 4) {
  Workspace<double> workspace(network, Kept::outputs);
  std::mt19937 rng(seed);
  nn::testing::fill_random(workspace.input(), rng, kLanes);
  forward(network, parameters, workspace, {});
  return Matrix<double>(ConstView<double>(workspace.output(network.layers() - 1)));
}

double largest_difference(const Matrix<double>& a, const Matrix<double>& b) {
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i)
    largest = std::fmax(largest, std::fabs(a.data()[i] - b.data()[i]));
  return largest;
}

/// The base weights as a chip would hold them.
ParameterSet<float> perturbed(const Network& network, ParameterSet<float> parameters) {
  const LogNormalPerturbation variation(0.5);
  TrainingDraw draw{.step = 3};
  for (const Index l : network.mac_layers()) {
    Matrix<float>& w = parameters[static_cast<std::size_t>(l)][0].value;
    Matrix<float> clean = w, slope(w.rows(), w.columns());
    variation.draw(RandomStream(1), Purpose::compensator_noise, draw, clean, w, slope);
    ++draw.layer;
  }
  return parameters;
}

}  // namespace

TEST_CASE("a network with fresh compensators computes exactly what it did without them") {
  const Network base = small_network();
  const ParameterSet<float> parameters = initial_parameters(base, 2);
  for (const bool is_residual : {false, true})
    for (const std::int64_t pooling : {1, 2}) {
      const Network with =
          with_compensators(base, {{"conv1", 1.0}, {"max_pool1", 1.0}, {"fc1", 0.5}, {"fc2", 0.25}},
                            {pooling == 1 ? "relu" : "identity", is_residual, pooling});
      CHECK(with.layers() == base.layers() + 4);
      const auto moved = transplanted(base, parameters, with, 7);
      const Matrix<double> before = logits(base, converted<double>(parameters));
      const Matrix<double> after = logits(with, converted<double>(moved));
      CHECK(largest_difference(before, after) == 0);
    }
}

TEST_CASE("a compensator behind pooling, or with pooled maps, computes fewer positions") {
  const Index n = 3, m = 6;
  const auto overhead = [&](const char* layer, const CompensatorStyle& style) {
    return compensator_overhead(with_compensators(small_network(), {{layer, 2.0}}, style));
  };
  // Behind the pooling: 3 x 3 positions, and the pooled maps' own 3 inputs.
  CHECK(overhead("max_pool1", {}).macs == (m * (n + n) + n * (n + m)) * 9);
  // 6 x 6 pixels in squares of 2 x 2, then of 4 x 4 (cut at the far edges).
  CHECK(overhead("conv1", {.pooling = 2}).macs == m * (2 + n) * 9 + n * (n + m) * 36);
  CHECK(overhead("conv1", {.is_residual = true, .pooling = 4}).macs == (m * (2 + n) + n * m) * 4);
  CHECK(overhead("conv1", {.pooling = 2}).weights == overhead("conv1", {}).weights);
}

TEST_CASE("overhead is m (l + n) + m + n (n + m) + n weights a compensator") {
  const Network with = with_compensators(small_network(), {{"conv1", 2.0}}, {});
  const Index n = 3, l = 2, m = 6;
  CHECK(compensator_overhead(with).weights == m * (l + n) + m + n * (n + m) + n);
  CHECK(compensator_overhead(with).macs == (m * (l + n) + n * (n + m)) * 6 * 6);
  CHECK(filters_of(0.125, 6) == 1);
  CHECK(filters_of(0.5, 6) == 3);
  CHECK(filters_of(0, 6) == 0);
}

TEST_CASE("a compensator behind a layer that is none is refused with the layers that there are") {
  CHECK_THROWS_WITH_AS(with_compensators(small_network(), {{"conv9", 1.0}}, {}),
                       "no compensator can stand behind 'conv9': the network's layers are conv1, "
                       "relu1, max_pool1, flatten1, fc1, relu2, fc2",
                       ConfigError);
}

TEST_CASE(
    "gradients of a whole compensated network with frozen perturbed weights agree with central "
    "differences") {
  const Network base = small_network();
  const Network with = with_compensators(base, {{"conv1", 1.0}, {"fc1", 0.5}}, {"relu", false});
  const auto start = transplanted(base, initial_parameters(base, 2), with, 7);
  ParameterSet<double> parameters = converted<double>(perturbed(with, start));
  std::mt19937 rng(11);
  const std::vector<bool> frozen = frozen_but_compensators(with);
  for (std::size_t l = 0; l < parameters.size(); ++l)  // away from the transparent start
    if (!frozen[l])
      for (auto& p : parameters[l])
        nn::testing::fill_random(p.value.view(), rng, p.value.columns());
  constexpr Index kSamples = 20;
  std::vector<Label> labels;
  for (Index i = 0; i < kSamples; ++i) labels.push_back(static_cast<Label>(i % 4));
  Workspace<double> workspace(with, Kept::gradients);
  nn::testing::fill_random(workspace.input(), rng, kSamples);
  const Pass pass{.mode = Mode::training, .samples = kSamples, .is_frozen = &frozen};
  const Index last = with.layers() - 1;
  std::vector<Score> scores(labels.size());
  const auto loss = [&] {
    forward(with, parameters, workspace, pass);
    softmax_cross_entropy<double>(workspace.output(last), labels, scores, 1.0 / kSamples,
                                  workspace.gradient(last));
    double sum = 0;
    for (const Score& s : scores) sum += s.loss / kSamples;
    return sum;
  };
  loss();
  ParameterSet<double> gradient = zero_parameters<double>(with);
  backward(with, parameters, workspace, pass, gradient);
  double worst = 0;
  for (std::size_t l = 0; l < parameters.size(); ++l)
    for (std::size_t p = 0; p < parameters[l].size(); ++p)
      for (Index i = 0; i < parameters[l][p].value.size(); ++i) {
        if (frozen[l]) {
          CHECK(gradient[l][p].value.data()[i] == 0);
          continue;
        }
        double& number = parameters[l][p].value.data()[i];
        const double kept = number, step = 1e-6;
        number = kept + step;
        const double above = loss();
        number = kept - step;
        const double below = loss();
        number = kept;
        worst = std::fmax(worst,
                          std::fabs((above - below) / (2 * step) - gradient[l][p].value.data()[i]));
      }
  CHECK(worst < 1e-7);
}

TEST_CASE(
    "scaling a layer and its later biases changes no class: accuracy under multiplicative "
    "variation is scale-free") {
  const Network network = small_network();
  const ParameterSet<double> noisy =
      converted<double>(perturbed(network, initial_parameters(network, 2)));
  const Matrix<double> before = logits(network, noisy);
  ParameterSet<double> scaled = noisy;
  const double a = 3.7;
  for (Index i = 0; i < scaled[0][0].value.size(); ++i) scaled[0][0].value.data()[i] *= a;
  for (const std::size_t l : {0u, 4u, 6u})  // biases from this layer on
    for (Index i = 0; i < scaled[l][1].value.size(); ++i) scaled[l][1].value.data()[i] *= a;
  const Matrix<double> after = logits(network, scaled);
  for (Index i = 0; i < before.size(); ++i)
    CHECK(after.data()[i] == doctest::Approx(a * before.data()[i]).epsilon(1e-12));
}

TEST_CASE("a folded linear compensator equals the unfolded one") {
  const Network base = small_network();
  for (const bool is_residual : {false, true}) {
    const Network with = with_compensators(base, {{"conv1", 1.0}}, {"identity", is_residual});
    ParameterSet<float> parameters = transplanted(base, initial_parameters(base, 2), with, 7);
    std::mt19937 rng(3);
    std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
    for (auto& p : parameters[1])
      for (Index i = 0; i < p.value.size(); ++i) p.value.data()[i] = uniform(rng);
    const FoldedCompensator folded = fold_compensator(parameters[1], is_residual);
    Workspace<float> workspace(with, Kept::outputs);
    for (Index i = 0; i < workspace.input().size(); ++i) workspace.input().data()[i] = uniform(rng);
    forward(with, parameters, workspace, {});
    Matrix<float> y(ConstView<float>(workspace.output(0)));
    const DigitalCorrection correction(
        base.input(), base.shape(0), folded.matrix,
        std::vector<float>(folded.shift.data(), folded.shift.data() + folded.shift.size()));
    correction.apply(workspace.input().data(), y.data());
    const ConstView<float> expected = workspace.output(1);
    for (Index f = 0; f < y.rows(); ++f)
      for (Index lane = 0; lane < kLanes; ++lane)
        CHECK(y(f, lane) == doctest::Approx(expected(f, lane)).epsilon(1e-4));
  }
}
