#include "nn/network.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "messages.h"
#include "nn/forward.h"
#include "nn/loss.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::first_line_of;
using testing::network_of;
using testing::small_network;

NetworkParams params_of(const std::string& toml) {
  return read_network(parse_config(toml, "run.toml"), "network");
}

template <class E>
std::string error_of(const std::string& toml, Shape input = {1, 28, 28}) {
  return first_line_of<E>([&] { build_network(params_of(toml), input, 10); });
}

TEST_CASE("lenet5 has the reference recipe's shapes, products and parameters") {
  NetworkParams params;
  params.model = "lenet5";
  const Network grey = build_network(params, {1, 28, 28}, 10),
                rgb = build_network(params, {3, 32, 32}, 10);
  CHECK(grey.parameter_count() == 61706);
  CHECK(rgb.parameter_count() == 62006);
  CHECK(grey.macs() == 6 * 25 * 784 + 16 * 150 * 100 + 400 * 120 + 120 * 84 + 84 * 10);
  CHECK(text(grey.shape(0)) == "6 x 28 x 28");
  CHECK(text(rgb.shape(0)) == "6 x 28 x 28");
  std::vector<std::string> names;
  for (Index l : grey.mac_layers()) names.push_back(grey.name(l));
  CHECK(names == std::vector<std::string>{"conv1", "conv2", "fc1", "fc2", "fc3"});
  CHECK(grey.name(1) == "relu1");
  CHECK(grey.name(5) == "max_pool2");
}

TEST_CASE("an mlp has the hidden layers that it is asked for") {
  const Network mlp =
      build_network(params_of("model = \"mlp\"\nhidden = [30, 20]"), {1, 28, 28}, 10);
  CHECK(mlp.parameter_count() == 784 * 30 + 30 + 30 * 20 + 20 + 20 * 10 + 10);
}

TEST_CASE("layers survive the way to TOML and back") {
  const Network network = small_network();
  const NetworkSpec again = spec_from_toml(to_toml(network.spec()), "again");
  CHECK(difference(again, network.input(), network.spec(), network.input()) == "");
  CHECK(again.size() == network.spec().size());
}

TEST_CASE("errors in a network name the place and the layer") {
  CHECK(error_of<ConfigError>("model = \"lenet\"").find("run.toml:1:") == 0);
  CHECK(error_of<ConfigError>("fold_batch_norm = true").find("network.model is missing") == 0);
  CHECK(error_of<ConfigError>("model = \"mlp\"\n[[layers]]\ntype = \"relu\"").find("both given") !=
        std::string::npos);
  CHECK(error_of<ConfigError>("[[layers]]\nname = \"a\"").find("a layer needs a type") !=
        std::string::npos);
  CHECK(error_of<ConfigError>("[[layers]]\ntype = \"convolution\"").find("run.toml:2:") == 0);
  const std::string unknown = error_of<ConfigError>("[[layers]]\ntype = \"conv\"\nfilter = 3");
  CHECK(unknown.find("run.toml:3:1") == 0);
  CHECK(unknown.find("did you mean 'filters'?") != std::string::npos);
  const std::string input = error_of<ConfigError>(
      "[[layers]]\ntype = \"relu\"\nname = \"first\"\n[[layers]]\ntype = \"relu\"\ninput = "
      "\"frist\"");
  CHECK(input.find(
            "layer relu2: its input 'frist' is not a layer before it (did you mean 'first'?)") !=
        std::string::npos);
  CHECK(error_of<ConfigError>("[[layers]]\ntype = \"conv\"\nname = \"c\"\nfilters = 2\nkernel = 40")
            .find("layer c: kernel 40 is larger than its input 1 x 28 x 28") != std::string::npos);
  CHECK(error_of<ConfigError>("[[layers]]\ntype = \"conv\"\nfilters = 2\nkernel = 3\npadding = 3")
            .find("padding 3") != std::string::npos);
  CHECK(error_of<ConfigError>("[[layers]]\ntype = \"linear\"\noutputs = 12")
            .find("12 outputs, but the data have 10") != std::string::npos);
  CHECK(
      error_of<ConfigError>("[[layers]]\ntype = \"linear\"").find("layer linear1: needs outputs") !=
      std::string::npos);
  CHECK(error_of<ConfigError>(
            "[[layers]]\ntype = \"relu\"\nname = \"a\"\n[[layers]]\ntype = \"relu\"\nname = \"a\"")
            .find("another layer has this name") != std::string::npos);
  CHECK(
      error_of<ConfigError>(
          "[[layers]]\ntype = \"max_pool\"\nkernel = 2\nname = \"p\"\n[[layers]]\ntype = \"add\"\n"
          "inputs = [\"input\", \"p\"]")
          .find("different shapes, 1 x 28 x 28 and 1 x 14 x 14") != std::string::npos);
  CHECK(error_of<ShapeError>("model = \"lenet5\"", {1, 4, 4}).find("layer conv1: kernel 5") == 0);
}

TEST_CASE("first weights fill +-1/sqrt(fan-in) and are the same for the same seed only") {
  NetworkParams params;
  params.model = "lenet5";
  const Network network = build_network(params, {1, 28, 28}, 10);
  const ParameterSet<float> a = initial_parameters(network, 1), b = initial_parameters(network, 2);
  CHECK(a == initial_parameters(network, 1));
  CHECK(a[0][0].value != b[0][0].value);
  const Index fc1 = network.mac_layers()[2];
  const Matrix<float>& w = *find(a[static_cast<std::size_t>(fc1)], "weight");
  double sum = 0, squares = 0;
  for (Index i = 0; i < w.size(); ++i) {
    const double u = static_cast<double>(w.data()[i]) * 20;  // fan-in 400: bound 1/20
    CHECK(std::abs(u) <= 1.0);
    sum += u;
    squares += u * u;
  }
  // 48,000 uniform numbers: 5 sigma of the mean is 5 sqrt(1/3/48000), of the mean square 5
  // sqrt(4/45/48000).
  CHECK(std::abs(sum / 48000) < 0.0132);
  CHECK(std::abs(squares / 48000 - 1.0 / 3) < 0.0069);
}

/// Mean loss of a network on random images, and its gradient.
struct Problem {
  const Network& network;
  ParameterSet<double> parameters;
  Workspace<double> workspace;
  RandomStream stream{9};
  Pass pass;
  std::vector<Label> labels;

  Problem(const Network& n, Index samples)
      : network(n),
        parameters(converted<double>(initial_parameters(n, 4))),
        workspace(n, Kept::gradients),
        pass{.mode = Mode::training, .samples = samples, .stream = &stream} {
    std::mt19937 rng(2);
    testing::fill_random(workspace.input(), rng, samples);
    for (Index i = 0; i < samples; ++i) labels.push_back(static_cast<Label>(rng() % 3));
  }
  double loss() {
    forward(network, parameters, workspace, pass);
    std::vector<Score> scores(labels.size());
    const Index last = network.layers() - 1;
    softmax_cross_entropy<double>(workspace.output(last), labels, scores,
                                  1.0 / static_cast<double>(labels.size()),
                                  workspace.gradient(last));
    double sum = 0;
    for (const Score& s : scores) sum += s.loss;
    return sum / static_cast<double>(labels.size());
  }
};

TEST_CASE(
    "a whole network's gradient agrees with central differences, residuals and branches included") {
  // The branch "a" is read three times, once twice by one layer.
  const Network branched = network_of(R"(
    [[layers]]
    type = "conv"
    filters = 2
    kernel = 3
    [[layers]]
    type = "relu"
    name = "a"
    [[layers]]
    type = "add"
    inputs = ["a", "a"]
    [[layers]]
    type = "flatten"
    [[layers]]
    type = "linear"
    outputs = 4
    name = "left"
    [[layers]]
    type = "average_pool"
    input = "a"
    kernel = 2
    [[layers]]
    type = "linear"
    outputs = 4
    name = "right"
    [[layers]]
    type = "linear"
    input = "a"
    outputs = 4
    name = "middle"
    [[layers]]
    type = "add"
    inputs = ["left", "middle", "right"]
    [[layers]]
    type = "linear"
    outputs = 3
  )",
                                      {1, 6, 6});
  for (const Network& network : {branched, small_network()}) {
    Problem problem(network, 13);
    ParameterSet<double> gradient = zero_parameters<double>(network);
    problem.loss();
    backward(network, problem.parameters, problem.workspace, problem.pass, gradient);
    std::mt19937 rng(3);
    constexpr double kStep = 1e-5;
    for (std::size_t l = 0; l < gradient.size(); ++l)
      for (std::size_t p = 0; p < gradient[l].size(); ++p) {
        if (!network.structure(static_cast<Index>(l)).parameters[p].is_trained) continue;
        for (int i = 0; i < 12; ++i) {
          double& w = problem.parameters[l][p]
                          .value.data()[rng() % static_cast<unsigned>(gradient[l][p].value.size())];
          const Index place = &w - problem.parameters[l][p].value.data();
          const double value = w;
          w = value + kStep;
          const double above = problem.loss();
          w = value - kStep;
          const double below = problem.loss();
          w = value;
          INFO("layer " << network.name(static_cast<Index>(l)));
          CHECK(std::abs((above - below) / (2 * kStep) - gradient[l][p].value.data()[place]) <
                1e-8);
        }
      }
  }
}

TEST_CASE("folding batch-norm leaves the network's outputs as they are") {
  const Network network = network_of(R"(
    [[layers]]
    type = "conv"
    filters = 5
    kernel = 3
    bias = false
    [[layers]]
    type = "batch_norm"
    name = "norm"
    [[layers]]
    type = "relu"
    input = "norm"
    [[layers]]
    type = "batch_norm"
    [[layers]]
    type = "linear"
    outputs = 6
    [[layers]]
    type = "batch_norm"
    [[layers]]
    type = "add"
    inputs = ["linear1", "batch_norm3"]
    [[layers]]
    type = "linear"
    outputs = 4
    [[layers]]
    type = "batch_norm"
  )",
                                     {2, 6, 6});
  ParameterSet<float> parameters = initial_parameters(network, 1);
  std::mt19937 rng(5);
  for (LayerParameters<float>& layer : parameters)
    if (find(layer, "running_mean"))
      for (Parameter<float>& p : layer) {
        testing::fill_random(p.value.view(), rng, p.value.columns());
        if (p.name == "running_variance")
          for (Index c = 0; c < p.value.columns(); ++c) p.value(0, c) += 1.2f;
      }
  const TrainedNetwork folded = fold_batch_norm(network, parameters);
  // norm and batch_norm4 go; batch_norm2 follows a relu, and linear1 is read twice.
  CHECK(folded.network.layers() == network.layers() - 2);
  Workspace<float> before(network, Kept::outputs), after(folded.network, Kept::outputs);
  testing::fill_random(before.input(), rng, kLanes);
  std::copy_n(before.input().data(), before.input().size(), after.input().data());
  forward(network, parameters, before, {});
  forward(folded.network, folded.parameters, after, {});
  const auto a = before.output(network.layers() - 1), b = after.output(folded.network.layers() - 1);
  for (Index i = 0; i < a.size(); ++i)  // a few float roundings of numbers of order 1
    CHECK(std::abs(a.data()[i] - b.data()[i]) < 2e-5f);
}

/// y = W x by the definition, through whatever strides the views have.
class PlainOperator final : public LinearOperator {
 public:
  PlainOperator(Matrix<float> weight, const Matrix<float>* bias)
      : weight_(std::move(weight)), bias_(bias) {}
  Index inputs() const override { return weight_.columns(); }
  Index outputs() const override { return weight_.rows(); }
  bool adds_bias() const override { return bias_ != nullptr; }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override {
    CHECK(context.first_sample == 17);
    for (Index s = 0; s < x.samples; ++s)
      for (Index p = 0; p < x.positions(); ++p)
        for (Index o = 0; o < outputs(); ++o) {
          double sum = bias_ ? static_cast<double>((*bias_)(0, o)) : 0.0;
          for (Index r = 0; r < inputs(); ++r) {
            const Index c = r / (x.kernel * x.kernel), k = r % (x.kernel * x.kernel);
            const Index row = p / x.out_width() * x.stride + k / x.kernel - x.padding;
            const Index column = p % x.out_width() * x.stride + k % x.kernel - x.padding;
            if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
            sum += static_cast<double>(weight_(o, r)) *
                   static_cast<double>(x.data[s * x.sample_stride + c * x.channel_stride +
                                              row * x.row_stride + column * x.column_stride]);
          }
          y.data[s * y.sample_stride + o * y.output_stride + p * y.position_stride] =
              static_cast<float>(sum);
        }
  }

 private:
  Matrix<float> weight_;
  const Matrix<float>* bias_;
};

TEST_CASE("deployed layers compute what ideal ones do, with and without a bias of their own") {
  const Network network = small_network();
  const ParameterSet<float> parameters = initial_parameters(network, 2);
  Deployment deployment;
  for (std::size_t k = 0; k < network.mac_layers().size(); ++k) {
    const auto& layer = parameters[static_cast<std::size_t>(network.mac_layers()[k])];
    deployment.macs.push_back(k == 1 ? nullptr
                                     : std::make_shared<PlainOperator>(
                                           layer[0].value, k == 0 ? &layer[1].value : nullptr));
  }
  Workspace<float> ideal(network, Kept::outputs), deployed(network, Kept::outputs);
  std::mt19937 rng(1);
  testing::fill_random(ideal.input(), rng, 21);
  std::copy_n(ideal.input().data(), ideal.input().size(), deployed.input().data());
  const Pass pass{.samples = 21};
  forward(network, parameters, ideal, pass);
  ReadContext context;
  context.first_sample = 17;
  forward(network, parameters, deployed, pass, deployment, context);
  const auto a = ideal.output(network.layers() - 1), b = deployed.output(network.layers() - 1);
  for (Index row = 0; row < a.rows(); ++row)
    for (Index lane = 0; lane < 21; ++lane) CHECK(std::abs(a(row, lane) - b(row, lane)) < 1e-5f);
}

}  // namespace
}  // namespace ohmic::nn
