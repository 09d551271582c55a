#include <limits>

#include "cli/refused.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// Networks that do not fit, checkpoints and weights that are not what they should be.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::TinyImages;
using testing::Workbench;

void check_setting_refused(const Workbench& bench, const std::vector<std::string>& settings,
                           int status, const std::string& message) {
  std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/out"};
  for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
  check_refused(bench, words, status, message);
}

TEST_CASE("a layer that does not fit is refused by name, at its place in the config") {
  const Workbench bench("shapes");
  const auto refused = [&](const std::string& setting, const std::string& message) {
    check_setting_refused(bench, {setting}, lab::kUsage, message);
  };
  refused(
      "network.layers.conv1.kernel=30",
      "~/tiny.toml:5:1: layer conv1: kernel 30 is larger than its input 1 x 8 x 8 with padding 1");
  refused("network.layers.conv1.padding=3",
          "~/tiny.toml:5:1: layer conv1: padding 3 is not below the kernel's 3");
  refused(
      "network.layers.fc1.outputs=4",
      "~/tiny.toml:18:1: layer fc1: the network ends in 4 outputs, but the data have 3 classes");
  refused("network.layers.fc1.outputs=0", "~/tiny.toml:18:1: layer fc1: needs outputs");
  refused("network.layers.fc1.input=conv2",
          "~/tiny.toml:18:1: layer fc1: its input 'conv2' is not a layer before it (did you mean "
          "'conv1'?)");
  refused("network.model=lenet5",
          "network.model = 'lenet5' and [[network.layers]] are both given: leave one out");
}

TEST_CASE("tiles that do not fit a layer are refused before the training") {
  const Workbench bench("partition");
  check_setting_refused(bench, {"array.row_partition=[10,10]"}, lab::kUsage,
                        "layer conv1: array.row_partition sums to 20 rows, but the layer has 9");
  check_setting_refused(
      bench, {"array.row_partition=[50,14]"}, lab::kUsage,
      "layer conv1: array.row_partition has a tile of 50 rows, but array.rows = 40");
  check_setting_refused(bench, {"network.layers.conv1.filters=300", "array.rows=1"}, lab::kUsage,
                        "layer fc1: array.rows = 1 cuts its 4800 inputs into 4800 tiles, more than "
                        "the 4096 that read "
                        "noise can tell apart");
}

TEST_CASE("a checkpoint of another network, of other images, missing or cut is refused") {
  const Workbench bench("checkpoint");
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/trained", "--quiet"}).status == lab::kDone);
  const std::string file = "network.file=trained/network.h5";

  const auto good = bench.ohmic({"run", "~/tiny.toml", "-o", "~/good", "--set", file});
  CHECK(good.status == lab::kDone);
  CHECK(good.out.find("loaded from trained/network.h5") != std::string::npos);

  check_setting_refused(bench, {file, "network.layers.conv1.filters=5"}, lab::kUsage,
                        "~/trained/network.h5 is a checkpoint of another network: its layer 0 "
                        "(conv1) has filters = 4, expected filters = 5");
  bench.write("other.toml", "[data]\nset = \"wide\"\n[network]\nfile = \"trained/network.h5\"\n");
  TinyImages train(60, 3), test(20, 4);
  bench.write_set("wide", train, test);
  bench.write("wide/train-images-idx3-ubyte", testing::idx({60, 4, 16}, train.pixels));
  bench.write("wide/t10k-images-idx3-ubyte", testing::idx({20, 4, 16}, test.pixels));
  check_refused(bench, {"run", "~/other.toml", "-o", "~/out"}, lab::kUsage,
                "~/trained/network.h5: the network reads images of 1 x 8 x 8, data.set = \"wide\" "
                "has 1 x 4 x 16");
  for (std::string* labels : {&train.labels, &test.labels})
    for (char& label : *labels) label = std::min<char>(label, 1);
  bench.write_set("wide", train, test);
  check_refused(
      bench, {"run", "~/other.toml", "-o", "~/out"}, lab::kUsage,
      "~/trained/network.h5: the network has 3 outputs, data.set = \"wide\" has 2 classes");

  check_setting_refused(bench, {"network.file=lost.h5"}, lab::kFiles, "~/lost.h5: no such file");
  check_setting_refused(bench, {"network.file=tiny.toml"}, lab::kFiles,
                        "~/tiny.toml: is not an HDF5 file");
  const std::string whole = read_whole_file(bench.path("trained/network.h5"));
  bench.write("cut.h5", whole.substr(0, whole.size() / 2));
  check_setting_refused(bench, {"network.file=cut.h5"}, lab::kFiles,
                        "~/cut.h5: is truncated or damaged");
  check_setting_refused(bench, {"network.file=good/results.h5"}, lab::kFiles,
                        "~/good/results.h5: is not a checkpoint of Ohmic");
  check_setting_refused(
      bench, {file, "network.weights=w.h5"}, lab::kUsage,
      "~/tiny.toml: network.file and network.weights are both given; leave one out");
}

TEST_CASE("weights that lack an array, have another shape, or hold NaN are refused by name") {
  const Workbench bench("weights");
  std::vector<float> conv(36, 0.1f), fc(192, 0.1f), bias(4, 0.0f);
  const auto write = [&](const std::vector<Index>& fc_shape, bool has_bias) {
    h5::Writer out(bench.path("w.h5"));
    out.write("/conv1.weight", {4, 1, 3, 3}, conv.data());
    if (has_bias) out.write("/conv1.bias", {4}, bias.data());
    out.write("/fc1.weight", fc_shape, fc.data());
    out.write("/fc1.bias", {3}, bias.data());
    out.commit();
  };
  const auto refused = [&](int status, const std::string& message) {
    check_setting_refused(bench, {"network.weights=w.h5"}, status, message);
  };
  write({3, 64}, true);
  CHECK(
      bench.ohmic({"run", "~/tiny.toml", "-o", "~/good", "--set", "network.weights=w.h5"}).status ==
      lab::kDone);
  write({3, 64}, false);
  refused(lab::kFiles, "~/w.h5: has no conv1.bias (it holds conv1.weight, fc1.bias, fc1.weight)");
  write({4, 48}, true);
  refused(lab::kUsage, "~/w.h5: fc1.weight is 4 x 48, expected 3 x 64");
  fc[5] = std::numeric_limits<float>::quiet_NaN();
  write({3, 64}, true);
  refused(lab::kFiles, "~/w.h5: fc1.weight holds NaN at element 5");
  fc[5] = std::numeric_limits<float>::infinity();
  write({3, 64}, true);
  refused(lab::kFiles, "~/w.h5: fc1.weight holds infinity at element 5");

  const std::string npz = read_whole_file(std::string(OHMIC_GOLDEN) + "/arrays/stored.npz");
  bench.write("w.npz", npz);
  check_setting_refused(bench, {"network.weights=w.npz"}, lab::kUsage,
                        "~/w.npz: conv1.weight is 2 x 1 x 2 x 2, expected 4 x 1 x 3 x 3");
  bench.write("w.npz", npz.substr(0, npz.size() / 2));
  check_setting_refused(bench, {"network.weights=w.npz"}, lab::kFiles,
                        "~/w.npz: is truncated or no zip archive");
  check_setting_refused(bench, {"network.weights=lost.npz"}, lab::kFiles,
                        "~/lost.npz: no such file");
  check_setting_refused(bench, {"network.weights=tiny.toml"}, lab::kFiles,
                        "~/tiny.toml: weights come as .npz, .safetensors or .h5");
}

TEST_CASE("a training that diverges says so and leaves nothing") {
  const Workbench bench("diverges");
  const auto said = bench.ohmic(
      {"run", "~/tiny.toml", "-o", "~/out", "--no-cache", "--set", "training.learning_rate=1e30"});
  CHECK(said.status == lab::kUsage);
  CHECK(said.message() ==
        "training diverged: the loss is not finite at epoch 1, step 2; a training.learning_rate "
        "below 1e+30 may help");
  CHECK_FALSE(bench.has("out"));
}

}  // namespace
}  // namespace ohmic
