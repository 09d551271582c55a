#include "nn/layer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "nn/forward.h"
#include "nn/layer_catalogue.h"
#include "nn/layer_compensator.h"
#include "nn/layer_mac.h"
#include "nn/layer_pool.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using testing::fill_random;

struct Case {
  LayerSpec spec;
  std::vector<Shape> inputs;
  Mode mode = Mode::training;
};

LayerSpec spec(std::string type, std::any own = {}) {
  LayerSpec s;
  s.type = std::move(type);
  s.own = std::move(own);
  return s;
}

LayerSpec compensator(std::int64_t filters, const char* generator, bool is_residual,
                      std::int64_t pooling = 1) {
  return spec("compensator", CompensatorParams{filters, generator, is_residual, pooling});
}

/// Every kind, with windows that overlap, leave gaps, leave a rest, and reach over the edge.
std::vector<Case> all_kinds() {
  return {
      {spec("linear", MacParams{.outputs = 5}), {{7, 1, 1}}},
      {spec("linear", MacParams{.outputs = 70}), {{2, 9, 5}}},
      {spec("linear", MacParams{.outputs = 3, .bias = false}), {{4, 1, 1}}},
      {spec("conv", MacParams{.outputs = 3, .kernel = 3}), {{2, 5, 6}}},
      {spec("conv", MacParams{.outputs = 7, .kernel = 5, .stride = 1, .padding = 2}), {{1, 6, 7}}},
      {spec("conv", MacParams{.outputs = 2, .kernel = 3, .stride = 2, .padding = 1}), {{3, 7, 6}}},
      {spec("conv", MacParams{.outputs = 2, .kernel = 2, .stride = 3, .padding = 1}), {{2, 8, 7}}},
      {spec("conv", MacParams{.outputs = 2, .kernel = 1, .stride = 2}), {{3, 5, 5}}},
      {spec("conv", MacParams{.outputs = 4, .kernel = 1}), {{3, 4, 4}}},
      {spec("conv", MacParams{.outputs = 2, .kernel = 4}), {{2, 4, 4}}},
      {spec("conv", MacParams{.outputs = 34, .kernel = 3, .padding = 1}), {{11, 2, 3}}},
      {spec("conv", MacParams{.outputs = 17, .kernel = 3, .stride = 2, .padding = 1}), {{9, 5, 7}}},
      {spec("conv", MacParams{.outputs = 20, .kernel = 1, .stride = 2}), {{18, 4, 5}}},
      {spec("conv", MacParams{.outputs = 19, .kernel = 3, .padding = 1}), {{18, 7, 8}}},
      {spec("conv", MacParams{.outputs = 16, .kernel = 3}), {{17, 6, 9}}},
      {spec("conv", MacParams{.outputs = 2, .kernel = 3, .stride = 3, .padding = 2, .bias = false}),
       {{2, 6, 5}}},
      {spec("max_pool", PoolParams{.kernel = 2}), {{2, 6, 5}}},
      {spec("max_pool", PoolParams{.kernel = 3, .stride = 2}), {{1, 7, 8}}},
      {spec("max_pool", PoolParams{.kernel = 1, .stride = 2}), {{1, 5, 5}}},
      {spec("average_pool", PoolParams{.kernel = 2}), {{2, 6, 5}}},
      {spec("average_pool", PoolParams{.kernel = 3, .stride = 1}), {{2, 5, 4}}},
      {spec("global_average_pool"), {{3, 4, 5}}},
      {spec("global_average_pool"), {{3, 1, 1}}},
      {spec("relu"), {{2, 3, 4}}},
      {spec("flatten"), {{2, 3, 4}}},
      {spec("dropout"), {{2, 11, 13}}},
      {spec("dropout"), {{2, 3, 4}}, Mode::inference},
      {spec("batch_norm"), {{3, 2, 4}}},
      {spec("batch_norm"), {{3, 1, 1}}},
      {spec("batch_norm"), {{3, 2, 4}}, Mode::inference},
      {compensator(2, "relu", false), {{3, 4, 4}, {2, 9, 7}}},
      {compensator(3, "identity", false), {{3, 4, 4}, {2, 8, 8}}},
      {compensator(4, "relu", true), {{2, 3, 5}, {1, 3, 5}}},
      {compensator(1, "identity", true), {{5, 1, 1}, {7, 1, 1}}},
      {compensator(2, "relu", false), {{5, 1, 1}, {2, 4, 3}}},
      {compensator(2, "relu", false, 2), {{3, 4, 5}, {2, 9, 7}}},
      {compensator(3, "identity", true, 3), {{2, 5, 7}, {1, 5, 7}}},
      {spec("add"), {{2, 3, 2}, {2, 3, 2}}},
      {spec("add"), {{4, 1, 1}, {4, 1, 1}, {4, 1, 1}}}};
}

constexpr double kStep = 1e-5;
// The third derivative that a central difference neglects is below 10 here, and rounding leaves
// about 1e-10.
constexpr double kTolerance = 1e-8;

/// One layer with its numbers and a loss: the sum of y times fixed slopes.
class Bench {
 public:
  Bench(const Case& c, Index samples, unsigned seed)
      : layer_(make_layer<double>(c.spec, c.inputs)),
        stream_(seed),
        pass_{.mode = c.mode,
              .samples = samples,
              .stream = &stream_,
              .step = 3,
              .first_in_batch = 64},
        state_(static_cast<std::size_t>(layer_->structure().state)),
        work_(static_cast<std::size_t>(layer_->structure().work)),
        scratch_(static_cast<std::size_t>(layer_->structure().scratch)),
        y(layer_->structure().output.features(), kLanes),
        dy(y.rows(), kLanes) {
    std::mt19937 rng(seed);
    for (const Shape& s : c.inputs) {
      x.emplace_back(s.features(), kLanes);
      fill_random(x.back().view(), rng, samples);
      dx.emplace_back(s.features(), kLanes);
    }
    for (const ParameterSpec& p : layer_->structure().parameters) {
      parameters.push_back({p.name, Matrix<double>(p.rows, p.columns)});
      fill_random(parameters.back().value.view(), rng, p.columns);
      if (p.name == "running_variance")
        for (Index i = 0; i < p.columns; ++i) parameters.back().value(0, i) += 1.5;
      gradient.push_back({p.name, Matrix<double>(p.rows, p.columns)});
    }
    fill_random(dy.view(), rng, samples);
  }

  void forward() {
    std::vector<const double*> inputs;
    for (const auto& m : x) inputs.push_back(m.data());
    const ForwardArguments<double> a{
        pass_, 2, inputs, parameters, nullptr, state_.data(), scratch_.data(), y.data()};
    if (layer_->shares_sums(pass_)) layer_->observe(a);
    layer_->forward(a);
  }
  /// Central difference of the loss by `number`; y's are subtracted before they are summed, which
  /// saves digits.
  double slope(double& number) {
    const double value = number;
    number = value + kStep;
    forward();
    const Matrix<double> above = y;
    number = value - kStep;
    forward();
    number = value;
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += dy.data()[i] * (above.data()[i] - y.data()[i]);
    return sum / (2 * kStep);
  }
  void backward() {
    forward();
    std::vector<const double*> inputs;
    std::vector<double*> slopes;
    for (const auto& m : x) inputs.push_back(m.data());
    for (auto& m : dx) slopes.push_back(m.data());
    const BackwardArguments<double> a{pass_,      inputs,        y.data(),     dy.data(),
                                      parameters, state_.data(), work_.data(), scratch_.data(),
                                      false,      slopes,        gradient};
    if (layer_->shares_sums(pass_)) layer_->observe_backward(a);
    layer_->backward(a);
  }
  const LayerStructure& structure() const { return layer_->structure(); }

 private:
  std::unique_ptr<const Layer<double>> layer_;
  RandomStream stream_;
  Pass pass_;
  std::vector<double> state_, work_, scratch_;

 public:
  std::vector<Matrix<double>> x, dx;
  LayerParameters<double> parameters, gradient;
  Matrix<double> y, dy;
};

/// Compares `analytic` with central differences by the numbers of `at`, at up to 60 places.
void check_gradient(Bench& bench, Matrix<double>& at, const Matrix<double>& analytic, Index columns,
                    std::mt19937& rng) {
  const Index places = std::min<Index>(60, at.rows() * columns);
  for (Index i = 0; i < places; ++i) {
    const Index row = static_cast<Index>(rng() % static_cast<unsigned>(at.rows()));
    const Index column = static_cast<Index>(rng() % static_cast<unsigned>(columns));
    const double slope = bench.slope(at(row, column));
    INFO("row " << row << ", column " << column);
    CHECK(std::abs(slope - analytic(row, column)) <= kTolerance * std::max(1.0, std::abs(slope)));
  }
}

TEST_CASE("every layer's gradients agree with central differences") {
  for (const Case& c : all_kinds())
    for (const Index samples : {Index{5}, Index{kLanes}}) {
      CAPTURE(c.spec.type);
      CAPTURE(ohmic::to_toml(write_fields(c.spec)));
      CAPTURE(samples);
      Bench bench(c, samples, 7);
      bench.backward();
      std::mt19937 rng(11);
      for (std::size_t i = 0; i < bench.x.size(); ++i) {
        check_gradient(bench, bench.x[i], bench.dx[i], samples, rng);
        for (Index row = 0; row < bench.dx[i].rows(); ++row)
          for (Index lane = samples; lane < kLanes; ++lane) REQUIRE(bench.dx[i](row, lane) == 0.0);
      }
      for (std::size_t p = 0; p < bench.parameters.size(); ++p)
        if (bench.structure().parameters[p].is_trained)
          check_gradient(bench, bench.parameters[p].value, bench.gradient[p].value,
                         bench.parameters[p].value.columns(), rng);
    }
}

TEST_CASE("every kind of layer is among those whose gradients are checked") {
  const auto cases = all_kinds();
  for (const LayerKind& kind : layer_catalogue()) {
    CAPTURE(kind.name);
    CHECK(std::any_of(cases.begin(), cases.end(),
                      [&](const Case& c) { return c.spec.type == kind.name; }));
  }
}

TEST_CASE("a kind says how many layers feed one") {
  const Shape image{2, 4, 4};
  const LayerSpec add = spec("add"), corrects = compensator(2, "relu", false);
  CHECK_THROWS_WITH_AS(make_layer<float>(add, {image}),
                       "layer add: has 1 inputs, expected 2 to 16: layers whose outputs are added",
                       ShapeError);
  CHECK_THROWS_WITH_AS(make_layer<float>(corrects, {image}),
                       doctest::Contains("has 1 inputs, expected 2: the layer that it corrects"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(make_layer<float>(spec("relu"), {image, image}),
                       "layer relu: has 2 inputs, expected 1", ShapeError);
  CHECK_THROWS_WITH_AS(make_layer<float>(spec("tanh"), {image}), "layer tanh: unknown type 'tanh'",
                       ShapeError);
}

TEST_CASE("a convolution is the sum over its window, zero beyond the image") {
  for (const Case& c : all_kinds()) {
    Bench bench(c, kLanes, 5);
    const auto& mac = bench.structure().mac;
    if (!mac || !mac->is_convolution || bench.parameters.size() < 2) continue;
    bench.forward();
    const PatchView& g = mac->patch;
    const Shape out = bench.structure().output;
    for (Index o = 0; o < out.channels; ++o)
      for (Index row = 0; row < out.height; ++row)
        for (Index column = 0; column < out.width; ++column) {
          double sum = bench.parameters[1].value(0, o);
          for (Index channel = 0; channel < g.channels; ++channel)
            for (Index ky = 0; ky < g.kernel; ++ky)
              for (Index kx = 0; kx < g.kernel; ++kx) {
                const Index y = row * g.stride + ky - g.padding,
                            x = column * g.stride + kx - g.padding;
                if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
                sum += bench.parameters[0].value(o, (channel * g.kernel + ky) * g.kernel + kx) *
                       bench.x[0]((channel * g.height + y) * g.width + x, 9);
              }
          CHECK(bench.y((o * out.height + row) * out.width + column, 9) ==
                doctest::Approx(sum).epsilon(1e-13));
        }
  }
}

TEST_CASE("of equal largest pixels the first one takes the whole gradient") {
  Bench bench({spec("max_pool", PoolParams{.kernel = 2}), {{1, 2, 4}}}, kLanes, 1);
  bench.x[0].fill(0.5);  // a constant background
  bench.x[0](6, 0) = 0.75;
  bench.x[0](7, 0) = 0.75;  // a tie below the first row of the second window
  bench.dy.fill(2.0);
  bench.backward();
  const std::vector<double> constant = {2, 0, 2, 0, 0, 0, 0, 0}, tied = {2, 0, 0, 0, 0, 0, 2, 0};
  for (Index pixel = 0; pixel < 8; ++pixel) {
    CHECK(bench.dx[0](pixel, 1) == constant[static_cast<std::size_t>(pixel)]);
    CHECK(bench.dx[0](pixel, 0) == tied[static_cast<std::size_t>(pixel)]);
  }
}

TEST_CASE("global average pooling is the mean of a map") {
  Bench bench({spec("global_average_pool"), {{2, 3, 5}}}, kLanes, 1);
  bench.forward();
  for (Index c = 0; c < 2; ++c) {
    double sum = 0;
    for (Index pixel = 0; pixel < 15; ++pixel) sum += bench.x[0](15 * c + pixel, 3);
    CHECK(bench.y(c, 3) == doctest::Approx(sum / 15).epsilon(1e-13));
  }
  CHECK(bench.y.rows() == 2);
}

TEST_CASE(
    "dropout drops its share, keeps the mean, and a sample's mask does not depend on its lane") {
  const Shape shape{40, 10, 10};
  const LayerSpec s =
      spec_from_toml("[[layers]]\ntype = \"dropout\"\nrate = 0.25\n", "dropout").front();
  const auto layer = make_layer<float>(s, {shape});
  const RandomStream stream(1);
  const std::vector<float> x(static_cast<std::size_t>(shape.features() * kLanes), 3.0f);
  std::vector<float> state(x.size()), y(x.size()), shifted(x.size());
  const float* inputs[] = {x.data()};
  const auto run = [&](Index first, std::vector<float>& out) {
    const Pass pass{.mode = Mode::training, .stream = &stream, .step = 5, .first_in_batch = first};
    layer->forward({pass, 1, inputs, {}, nullptr, state.data(), nullptr, out.data()});
  };
  run(0, y);
  run(1, shifted);
  double dropped = 0;
  bool same = true;
  for (std::size_t i = 0; i < y.size(); ++i) {
    dropped += y[i] == 0.0f;
    if (y[i] != 0.0f) CHECK_EQ(y[i], doctest::Approx(4.0f));
    if (i % kLanes > 0) same = same && y[i] == shifted[i - 1];
  }
  CHECK(same);
  // 256,000 draws: 5 sigma of the share is 5 sqrt(.25 .75 / 256000) = .0043 (false alarm 6e-7).
  CHECK(std::abs(dropped / static_cast<double>(y.size()) - 0.25) < 0.0043);
}

TEST_CASE("batch-norm in training gives its valid lanes mean 0 and deviation 1") {
  Bench bench({spec("batch_norm"), {{2, 3, 3}}}, 10, 3);
  bench.parameters[0].value.fill(1);
  bench.parameters[1].value.fill(0);
  bench.backward();
  for (Index c = 0; c < 2; ++c) {
    double sum = 0, squares = 0, x_sum = 0;
    for (Index pixel = 9 * c; pixel < 9 * c + 9; ++pixel)
      for (Index lane = 0; lane < 10; ++lane) {
        sum += bench.y(pixel, lane);
        squares += bench.y(pixel, lane) * bench.y(pixel, lane);
        x_sum += bench.x[0](pixel, lane);
      }
    CHECK(std::abs(sum) < 1e-12);
    CHECK(squares / 90 ==
          doctest::Approx(1).epsilon(1e-4));  // epsilon 1e-5 beside a variance of 1/3
    CHECK(find(bench.gradient, "running_mean")->operator()(0, c) == doctest::Approx(x_sum / 90));
  }
}

}  // namespace
}  // namespace ohmic::nn
