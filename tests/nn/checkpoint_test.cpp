#include "nn/checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>

#include "folder.h"
#include "io/h5.h"
#include "messages.h"
#include "nn/trainer.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::first_line_of;
using ohmic::testing::Folder;
using testing::network_of;
using testing::small_network;

TEST_CASE("a checkpoint brings back the network and every bit of the training") {
  const Folder folder("checkpoint");
  const Network network = small_network();
  const TrainingParams params;
  TrainingState state = initial_training_state(network, params);
  state.step = 12;
  state.epoch = 2;
  state.epoch_loss = 0.1;
  state.epoch_correct = 7;
  state.epoch_images = 9;
  state.optimiser.steps = 12;
  state.optimiser.moments[1].second[0][0].value(0, 0) = 1e-30f;
  state.average = {.parameters = initial_parameters(network, 8), .terms = 5};
  state.best = {.epoch = 1, .accuracy = 0.75, .parameters = initial_parameters(network, 9)};
  save_checkpoint(folder / "net.h5", network, state, "digest");
  const Checkpoint back = load_checkpoint(folder / "net.h5");
  CHECK(difference(back.network.spec(), back.network.input(), network.spec(), network.input()) ==
        "");
  CHECK(back.state.parameters == state.parameters);
  CHECK(back.state.optimiser.moments == state.optimiser.moments);
  CHECK(back.state.optimiser.steps == 12);
  CHECK(back.state.step == 12);
  CHECK(back.state.epoch == 2);
  CHECK(back.state.epoch_loss == 0.1);
  CHECK(back.state.epoch_correct == 7);
  CHECK(back.state.epoch_images == 9);
  CHECK(back.state.average.parameters == state.average.parameters);
  CHECK(back.state.average.terms == 5);
  CHECK(back.state.best.parameters == state.best.parameters);
  CHECK(back.state.best.epoch == 1);
  CHECK(back.state.best.accuracy == 0.75);
  CHECK(back.digest == "digest");
  const h5::Reader reader(folder / "net.h5");
  CHECK(reader.floats("/layers/0_conv1/weight").shape == std::vector<Index>{4, 1, 3, 3});
}

TEST_CASE("a checkpoint of another network is refused with what differs") {
  const Folder folder("checkpoint");
  const auto toml = [](int outputs, const std::string& name) {
    return "[[layers]]\ntype = \"linear\"\nname = \"" + name +
           "\"\noutputs = " + std::to_string(outputs) + "\n[[layers]]\ntype = \"relu\"";
  };
  const Network network = network_of(toml(5, "fc1"), {1, 4, 4});
  save_checkpoint(folder / "net.h5", network, initial_training_state(network, {}), "");
  const auto error = [&](const Network& other) {
    return first_line_of<ConfigError>([&] { load_checkpoint(folder / "net.h5", other); });
  };
  CHECK(error(network_of(toml(6, "fc1"), {1, 4, 4}))
            .find("its layer 0 (fc1) has outputs = 5, expected outputs = 6") != std::string::npos);
  CHECK(error(network_of(toml(5, "fc2"), {1, 4, 4}))
            .find("name = \"fc1\", expected name = \"fc2\"") != std::string::npos);
  CHECK(error(network_of(toml(5, "fc1"), {1, 4, 5}))
            .find("its images are 1 x 4 x 4, expected 1 x 4 x 5") != std::string::npos);
  CHECK(error(network_of("[[layers]]\ntype = \"relu\"", {1, 4, 4}))
            .find("its layer 0 (fc1) is linear, expected relu") != std::string::npos);
  CHECK(error(network_of(toml(5, "fc1") + "\n[[layers]]\ntype = \"relu\"", {1, 4, 4}))
            .find("2 layers, expected 3") != std::string::npos);
}

TEST_CASE("a file that is not a checkpoint is refused") {
  const Folder folder("checkpoint");
  h5::Writer writer(folder / "other.h5");
  writer.write("/x", std::vector<double>{1.0});
  writer.commit();
  CHECK(first_line_of<FileError>([&] {
          load_checkpoint(folder / "other.h5");
        }).find("is not a checkpoint of Ohmic") != std::string::npos);
  CHECK_THROWS_AS(load_checkpoint(folder.write("text.h5", "hello")), FileError);
}

struct BareWeights {
  Folder folder{"weights"};
  Network network = network_of(R"(
    [[layers]]
    type = "conv"
    name = "conv1"
    filters = 2
    kernel = 3
    [[layers]]
    type = "linear"
    name = "fc1"
    outputs = 3
  )",
                               {1, 4, 4});
  std::vector<float> conv = std::vector<float>(18, 0.5f), conv_bias = {1, 2},
                     fc = std::vector<float>(24, 0.25f), fc_bias = {1, 2, 3};
  std::vector<Index> fc_shape = {3, 8};
  bool with_bias = true, with_stranger = false;

  std::string error() {
    {
      h5::Writer writer(folder / "w.h5");
      writer.write("/conv1.weight", {2, 1, 3, 3}, conv.data());
      writer.write("/conv1.bias", {2}, conv_bias.data());
      writer.write("/fc1/weight", fc_shape, fc.data());
      if (with_bias) writer.write("/fc1/bias", {3}, fc_bias.data());
      if (with_stranger) writer.write("/fc2.bias", {3}, fc_bias.data());
      writer.commit();
    }
    try {
      parameters = load_weights(folder / "w.h5", network);
      return "";
    } catch (const std::exception& e) {
      return e.what();
    }
  }
  ParameterSet<float> parameters;
};

TEST_CASE("bare weights come in under PyTorch's names and shapes") {
  BareWeights file;
  file.conv[4] = 7;
  CHECK(file.error() == "");
  CHECK(file.parameters[0][0].value(0, 4) == 7.0f);
  CHECK(file.parameters[1][1].value(0, 2) == 3.0f);
}

TEST_CASE("weights passed on in half precision come back within half a step") {
  const Folder folder("passed_on");
  const Network network = small_network();
  ParameterSet<float> parameters = initial_parameters(network, 3), rounded = parameters;
  round_to_half(network, rounded);
  save_weights(folder / "w.h5", network, parameters,
               [](h5::Writer& out) { out.attribute("/", "seed", 3); });
  const ParameterSet<float> back = load_weights(folder / "w.h5", network);
  CHECK(back == rounded);
  double worst = 0;
  for (std::size_t l = 0; l < back.size(); ++l)
    for (std::size_t p = 0; p < back[l].size(); ++p)
      for (Index i = 0; i < back[l][p].value.size(); ++i) {
        const double exact = parameters[l][p].value.data()[i];
        worst = std::max(worst, std::fabs(back[l][p].value.data()[i] - exact) -
                                    std::max(std::fabs(exact) * 0x1p-11, 0x1p-25));
      }
  CHECK(worst <= 0);
  CHECK(h5::Reader(folder / "w.h5").integer_attribute("/", "seed") == 3);
  parameters[0][0].value(0, 4) = 65520;
  CHECK_THROWS_WITH_AS(round_to_half(network, parameters),
                       doctest::Contains("conv1.weight holds 65520"), ConfigError);
}

TEST_CASE("bare weights that do not fit are refused by name") {
  BareWeights wrong_shape, missing, stranger, bad;
  wrong_shape.fc_shape = {4, 6};
  CHECK(wrong_shape.error().find("fc1.weight is 4 x 6, expected 3 x 8") != std::string::npos);
  missing.with_bias = false;
  CHECK(missing.error().find("has no fc1.bias (it holds conv1.bias, conv1.weight, fc1.weight)") !=
        std::string::npos);
  stranger.with_stranger = true;
  CHECK(stranger.error().find("fc2.bias belongs to no layer") != std::string::npos);
  bad.conv[3] = std::nanf("");
  CHECK(bad.error().find("conv1.weight holds NaN at element 3") != std::string::npos);
  const Folder folder("weights");
  CHECK_THROWS_AS(load_weights(folder.write("w.pt", "x"), bad.network), FileError);
}

}  // namespace
}  // namespace ohmic::nn
