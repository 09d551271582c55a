#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "base/parallel.h"
#include "nn/forward.h"
#include "nn/loss.h"
#include "synthetic.h"

/// Batches of several lane blocks, and workspaces whose layers share memory.
namespace ohmic::nn {
namespace {

Network normalised_network() {
  return testing::network_of(R"(
    [[layers]]
    type = "conv"
    filters = 3
    kernel = 3
    padding = 1
    bias = false
    [[layers]]
    type = "batch_norm"
    [[layers]]
    type = "relu"
    name = "a"
    [[layers]]
    type = "conv"
    filters = 3
    kernel = 3
    padding = 1
    bias = false
    [[layers]]
    type = "batch_norm"
    [[layers]]
    type = "add"
    inputs = ["batch_norm2", "a"]
    [[layers]]
    type = "relu"
    [[layers]]
    type = "max_pool"
    kernel = 2
    [[layers]]
    type = "linear"
    outputs = 3
  )",
                             {1, 4, 4});
}

/// A batch of kLanes + 9 images in double, which batch-norm sees as a whole.
struct Batch {
  Network network = normalised_network();
  ParameterSet<double> parameters = converted<double>(initial_parameters(network, 4));
  std::vector<std::unique_ptr<Workspace<double>>> workspaces;
  std::vector<ParameterSet<double>> gradients;
  std::vector<BatchBlock<double>> blocks;
  std::vector<std::vector<Label>> labels;
  static constexpr Index kImages = kLanes + 9;

  Batch() {
    std::mt19937 rng(2);
    for (const Index samples : {kLanes, Index{9}}) {
      workspaces.push_back(std::make_unique<Workspace<double>>(network, Kept::gradients));
      gradients.push_back(zero_parameters<double>(network));
      testing::fill_random(workspaces.back()->input(), rng, samples);
      labels.emplace_back();
      for (Index i = 0; i < samples; ++i) labels.back().push_back(static_cast<Label>(rng() % 3));
    }
    for (std::size_t b = 0; b < 2; ++b)
      blocks.push_back({&parameters,
                        workspaces[b].get(),
                        {.mode = Mode::training,
                         .statistics = Statistics::batch,
                         .samples = static_cast<Index>(labels[b].size())},
                        &gradients[b]});
  }
  double loss() {
    forward<double>(network, blocks);
    double sum = 0;
    for (std::size_t b = 0; b < 2; ++b) {
      std::vector<Score> scores(labels[b].size());
      const Index last = network.layers() - 1;
      softmax_cross_entropy<double>(workspaces[b]->output(last), labels[b], scores, 1.0 / kImages,
                                    workspaces[b]->gradient(last));
      for (const Score& s : scores) sum += s.loss;
    }
    return sum / kImages;
  }
};

}  // namespace

TEST_CASE("batch-norm over a batch of two blocks has the statistics of all its images") {
  Batch batch;
  batch.loss();
  backward<double>(batch.network, batch.blocks);
  // What the first batch-norm reads, from a pass that keeps it.
  double sum = 0, squares = 0;
  for (std::size_t b = 0; b < 2; ++b) {
    const ConstView<double> x = batch.workspaces[b]->output(0);
    for (Index pixel = 0; pixel < 16; ++pixel)
      for (std::size_t i = 0; i < batch.labels[b].size(); ++i) {
        const double value = x(pixel, static_cast<Index>(i));
        sum += value;
        squares += value * value;
      }
  }
  const double n = 16.0 * Batch::kImages, mean = sum / n;
  for (std::size_t b = 0; b < 2; ++b) {
    CHECK(batch.gradients[b][1][2].value(0, 0) == doctest::Approx(mean).epsilon(1e-12));
    CHECK(batch.gradients[b][1][3].value(0, 0) ==
          doctest::Approx((squares - n * mean * mean) / (n - 1)).epsilon(1e-12));
  }
}

TEST_CASE(
    "gradients through the statistics of a batch of two blocks agree with central differences") {
  Batch batch;
  batch.loss();
  backward<double>(batch.network, batch.blocks);
  std::mt19937 rng(3);
  constexpr double kStep = 1e-5;
  for (std::size_t l = 0; l < batch.parameters.size(); ++l)
    for (std::size_t p = 0; p < batch.parameters[l].size(); ++p) {
      if (!batch.network.structure(static_cast<Index>(l)).parameters[p].is_trained) continue;
      Matrix<double>& w = batch.parameters[l][p].value;
      for (int place = 0; place < 8; ++place) {
        double& number = w.data()[rng() % static_cast<unsigned>(w.size())];
        const auto at = static_cast<std::size_t>(&number - w.data());
        const double value = number;
        number = value + kStep;
        const double above = batch.loss();
        number = value - kStep;
        const double below = batch.loss();
        number = value;
        const double found =
            batch.gradients[0][l][p].value.data()[at] + batch.gradients[1][l][p].value.data()[at];
        // Rounding leaves about 1e-11, the third derivative 1e-9; a kink within the step, which
        // these images do not have, would be seen.
        CHECK(std::abs((above - below) / (2 * kStep) - found) < 1e-7);
      }
    }
}

TEST_CASE("what shares memory, and where a pass ends, changes no output") {
  NetworkParams params;
  params.model = "resnet20";
  params.width = 0.25;
  const Network network = build_network(params, {3, 8, 8}, 10);
  ParameterSet<float> parameters = initial_parameters(network, 1);
  Workspace<float> live(network, Kept::live), all(network, Kept::outputs),
      trains(network, Kept::gradients);
  CHECK(Workspace<float>::bytes(network, Kept::live) <
        Workspace<float>::bytes(network, Kept::outputs) / 2);
  std::mt19937 rng(5);
  testing::fill_random(all.input(), rng, kLanes);
  const Pass pass{};
  forward(network, parameters, all, pass);
  const auto prepared = prepare(network, parameters);
  for (Index end = 1; end <= network.layers(); ++end) {
    std::copy_n(all.input().data(), all.input().size(), live.input().data());
    forward_layers(0, end, network, parameters, live, pass, &prepared);
    const Index l = end - 1;
    CHECK(std::equal(all.output(l).data(), all.output(l).data() + all.output(l).size(),
                     live.output(l).data()));
  }
  // One layer a call, each read before the next may take its memory.
  std::copy_n(all.input().data(), all.input().size(), live.input().data());
  for (Index l = 0; l < network.layers(); ++l) {
    forward_layers(l, l + 1, network, parameters, live, pass);
    CHECK(std::equal(all.output(l).data(), all.output(l).data() + all.output(l).size(),
                     live.output(l).data()));
  }
  std::copy_n(all.input().data(), all.input().size(), trains.input().data());
  forward(network, parameters, trains, pass);
  const Index last = network.layers() - 1;
  CHECK(std::equal(all.output(last).data(), all.output(last).data() + all.output(last).size(),
                   trains.output(last).data()));
}

TEST_CASE("a step over several blocks has the same bits for 1, 2 and 3 threads") {
  const int before = threads();
  std::vector<std::vector<ParameterSet<double>>> all;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    Batch batch;
    batch.loss();
    backward<double>(batch.network, batch.blocks);
    all.push_back(batch.gradients);
    CHECK(all.back() == all.front());
  }
  set_threads(before);
}

}  // namespace ohmic::nn
