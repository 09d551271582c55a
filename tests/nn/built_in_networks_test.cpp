#include "nn/built_in_networks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "io/h5.h"
#include "messages.h"
#include "nn/checkpoint.h"
#include "nn/forward.h"
#include "nn/layer_mac.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::first_line_of;

const Shape kCifar{3, 32, 32};

Network built(const std::string& model, double width = 1, Shape input = kCifar,
              Index classes = 10) {
  NetworkParams params;
  params.model = model;
  params.width = width;
  return build_network(params, input, classes);
}

/// Trained numbers of k x k filters without bias, and of the batch-norm behind them.
Index normed(Index in, Index out, Index k = 3) { return in * out * k * k + 2 * out; }

TEST_CASE("vgg16 has the 14.7 million parameters of its configuration") {
  const Index products = normed(3, 64) + normed(64, 64) + normed(64, 128) + normed(128, 128) +
                         normed(128, 256) + 2 * normed(256, 256) + normed(256, 512) +
                         5 * normed(512, 512);
  const Network network = built("vgg16");
  CHECK(network.parameter_count() == products + 512 * 10 + 10);
  CHECK(network.parameter_count() == 14724042);
  // Of 32 x 32 pixels and what poolings leave of them.
  CHECK(network.macs() == 9 * (1024 * (3 * 64 + 64 * 64) + 256 * (64 * 128 + 128 * 128) +
                               64 * (128 * 256 + 2 * 256 * 256) + 16 * (256 * 512 + 2 * 512 * 512) +
                               4 * 3 * 512 * 512) +
                              5120);
  CHECK(network.mac_layers().size() == 14);
  CHECK(network.name(network.mac_layers()[12]) == "conv13");
  CHECK(network.spec().back().name == "fc");
  CHECK(network.name(network.mac_layers()[12] + 1) == "bn13");
}

TEST_CASE("vgg8 has the layers of the compute-in-memory literature") {
  const Network network = built("vgg8");
  CHECK(network.parameter_count() == normed(3, 128) + normed(128, 128) + normed(128, 256) +
                                         normed(256, 256) + normed(256, 512) + normed(512, 512) +
                                         8192 * 1024 + 1024 + 1024 * 10 + 10);
  CHECK(network.parameter_count() == 12978058);
  CHECK(network.mac_layers().size() == 8);
  CHECK(text(network.shape(network.mac_layers()[5])) == "512 x 8 x 8");
}

/// A stage of residual blocks, with a projection where it changes the number of maps.
Index stage(Index in, Index out, Index blocks) {
  return normed(in, out) + (2 * blocks - 1) * normed(out, out) +
         (in == out ? 0 : normed(in, out, 1));
}

TEST_CASE("resnets have the .27, .47 and 11.2 million parameters of theirs") {
  for (const Index blocks : {3, 5}) {
    const Network network = built(blocks == 3 ? "resnet20" : "resnet32");
    const Index wanted = normed(3, 16) + stage(16, 16, blocks) + stage(16, 32, blocks) +
                         stage(32, 64, blocks) + 64 * 10 + 10;
    CHECK(network.parameter_count() == wanted);
    // Layers with weights: 6 n + 2, and two projections.
    CHECK(static_cast<Index>(network.mac_layers().size()) == 6 * blocks + 2 + 2);
  }
  CHECK(built("resnet20").parameter_count() == 272474);
  CHECK(built("resnet32").parameter_count() == 466906);
  const Network network = built("resnet18");
  CHECK(network.parameter_count() == normed(3, 64) + stage(64, 64, 2) + stage(64, 128, 2) +
                                         stage(128, 256, 2) + stage(256, 512, 2) + 512 * 10 + 10);
  CHECK(network.parameter_count() == 11173962);
  CHECK(network.mac_layers().size() == 18 + 3);
}

TEST_CASE("a resnet's stages halve the resolution, and its layers have torchvision's names") {
  const Network network = built("resnet20", 1, kCifar, 100);
  const auto shape_of = [&](const std::string& name) {
    for (Index l = 0; l < network.layers(); ++l)
      if (network.name(l) == name) return text(network.shape(l));
    return std::string("no such layer");
  };
  CHECK(shape_of("bn1") == "16 x 32 x 32");
  CHECK(shape_of("layer1.2.relu2") == "16 x 32 x 32");
  CHECK(shape_of("layer2.0.conv1") == "32 x 16 x 16");
  CHECK(shape_of("layer2.0.downsample.0") == "32 x 16 x 16");
  CHECK(shape_of("layer2.0.downsample.1") == "32 x 16 x 16");
  CHECK(shape_of("layer3.2.bn2") == "64 x 8 x 8");
  CHECK(shape_of("avgpool") == "64");
  CHECK(shape_of("fc") == "100");
  CHECK(shape_of("layer1.0.downsample.0") == "no such layer");
  CHECK(text(built("resnet18").shape(0)) == "64 x 32 x 32");
}

TEST_CASE("every built-in network can be written as layers of one's own") {
  for (const BuiltInNetwork& model : built_in_networks()) {
    CAPTURE(model.name);
    const Network network = built(std::string(model.name));
    const NetworkSpec again = spec_from_toml(to_toml(network.spec()), "again");
    CHECK(difference(again, kCifar, network.spec(), kCifar) == "");
  }
}

TEST_CASE("a width scales filters to the nearest whole number") {
  const auto filters = [](const Network& network) {
    std::vector<Index> out;
    for (Index k = 0; k < 3; ++k) out.push_back(network.mac(k).outputs);
    return out;
  };
  CHECK(filters(built("vgg16", 0.5)) == std::vector<Index>{32, 32, 64});
  CHECK(filters(built("vgg16", 0.1)) == std::vector<Index>{6, 6, 13});  // 6.4 and 12.8
  CHECK(filters(built("resnet20", 2)) == std::vector<Index>{32, 32, 32});
  CHECK(built("resnet20", 0.5, kCifar, 7).output().features() == 7);
  CHECK(built("vgg8", 0.25).mac(6).outputs == 256);
}

TEST_CASE("a width that leaves a layer without filters is refused with the least that does not") {
  const auto error = [](const std::string& model, double width) {
    return first_line_of<ConfigError>([&] { built(model, width); });
  };
  CHECK(error("vgg16", 0.005) ==
        "network.width = 0.005 leaves layer conv1 without filters: it has 64 at width 1, and keeps "
        "one from 0.0078125 on");
  CHECK(error("resnet20", 0.031) ==
        "network.width = 0.031 leaves layer conv1 without filters: it has 16 at width 1, and keeps "
        "one from 0.03125 on");
  CHECK(built("vgg16", 0.0078125).mac(0).outputs == 1);
  CHECK(built("resnet20", 0.03125).mac(0).outputs == 1);
}

TEST_CASE("folding batch-norm into a resnet leaves its outputs, and no batch-norm") {
  const Network network = built("resnet20", 0.25, {3, 12, 12});
  ParameterSet<float> parameters = initial_parameters(network, 1);
  std::mt19937 rng(5);
  for (LayerParameters<float>& layer : parameters)
    if (Matrix<float>* variance = find(layer, "running_variance"))
      for (Index c = 0; c < variance->columns(); ++c) {
        (*variance)(0, c) = 0.2f + 0.1f * static_cast<float>(rng() % 5);
        (*find(layer, "running_mean"))(0, c) = 0.05f * static_cast<float>(rng() % 7);
        (*find(layer, "bias"))(0, c) = 0.1f * static_cast<float>(rng() % 3);
      }
  const TrainedNetwork folded = fold_batch_norm(network, parameters);
  for (const LayerSpec& layer : folded.network.spec()) CHECK(layer.type != "batch_norm");
  CHECK(folded.network.layers() == network.layers() - 21);
  Workspace<float> before(network, Kept::outputs), after(folded.network, Kept::outputs);
  testing::fill_random(before.input(), rng, kLanes);
  std::copy_n(before.input().data(), before.input().size(), after.input().data());
  forward(network, parameters, before, {});
  forward(folded.network, folded.parameters, after, {});
  const ConstView<float> y = before.output(network.layers() - 1),
                         z = after.output(folded.network.layers() - 1);
  for (Index i = 0; i < y.size(); ++i)
    CHECK(z.data()[i] == doctest::Approx(y.data()[i]).epsilon(1e-4));
}

TEST_CASE("networks that come with the program fit their models, and say how they were made") {
  const std::filesystem::path folder = OHMIC_SOURCE_DIR "/data/networks";
  const Network network = built("resnet20");
  const std::filesystem::path file = folder / "resnet20_cifar10.h5";
  const ParameterSet<float> parameters = load_weights(file, network);
  CHECK(parameters.size() == static_cast<std::size_t>(network.layers()));
  const h5::Reader reader(file);
  CHECK(reader.is_sealed());
  CHECK(reader.double_attribute("/", "test_accuracy") > 0.91);
  CHECK(reader.integer_attribute("/", "parameters") == network.parameter_count());
  CHECK(reader.string_attribute("/", "config").find("model = \"resnet20\"") != std::string::npos);
  CHECK(std::filesystem::file_size(file) < 8'000'000);
}

}  // namespace
}  // namespace ohmic::nn
