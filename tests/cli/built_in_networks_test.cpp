#include "cli/refused.h"
#include "lab/experiment/experiment.h"
#include "lab/experiment/key_notes.h"
#include "nn/checkpoint.h"

/// The networks of the CIFAR literature, narrow, through the whole program.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Said;
using testing::TinyImages;
using testing::Workbench;

/// The tiny config with a built-in network in place of its layers.
std::string config_of(const std::string& model) {
  std::string config = testing::kTinyConfig;
  const std::size_t begin = config.find("[[network.layers]]"), end = config.find("[training]");
  return config.replace(begin, end - begin, "[network]\n" + model + "\n");
}

struct Narrow {
  std::string model, width, set, compensated;
};
const std::vector<Narrow> kNarrow{{"vgg8", "0.03125", "set", "conv2"},
                                  {"vgg16", "0.03125", "cifar", "conv3"},
                                  {"resnet20", "0.25", "set", "layer2.0.downsample.0"},
                                  {"resnet32", "0.125", "set", "layer3.4.conv2"},
                                  {"resnet18", "0.0625", "set", "layer1.0.add"}};

TEST_CASE("narrow built-in networks train, fold, get compensators, and go onto chips") {
  const Workbench bench("built-in");
  bench.write_set("cifar", TinyImages(128, 1, 32), TinyImages(40, 2, 32));
  for (const Narrow& n : kNarrow) {
    CAPTURE(n.model);
    bench.write("n.toml", config_of("model = \"" + n.model + "\"\nwidth = " + n.width));
    for (const bool folds : {true, false}) {
      const std::string out = "~/" + n.model + (folds ? "-folded" : "");
      std::vector<std::string> words{"run",   "~/n.toml",          "-o",    out,
                                     "--set", "chips=1",           "--set", "data.set=" + n.set,
                                     "--set", "training.epochs=1", "--set", "training.batch=64"};
      const auto set = [&](const std::string& setting) {
        words.insert(words.end(), {"--set", setting});
      };
      set(std::string("network.fold_batch_norm=") + (folds ? "true" : "false"));
      if (folds) {
        set("method=compensation");
        set("methods.compensation.layers=[\"" + n.compensated + "\"]");
        set("methods.compensation.ratios=[1.0]");
        set("methods.compensation.epochs=1");
        set("methods.compensation.overhead_limit=9");
        set("methods.compensation.overhead_limit_macs=900");
      }
      std::vector<std::string> dry = words;
      dry.push_back("--dry-run");
      Said said = bench.ohmic(dry);
      CAPTURE(said.log);
      CHECK(said.status == lab::kDone);
      CHECK(said.out.find("memory    about ") != said.out.npos);
      CHECK(said.out.find(n.compensated == "layer1.0.add" ? "conv1" : n.compensated) !=
            said.out.npos);
      said = bench.ohmic(words);
      CAPTURE(said.log);
      CHECK(said.status == lab::kDone);
      CHECK(bench.has(out.substr(2) + "/results.h5"));
    }
  }
}

TEST_CASE("a width without filters is refused where it was written, in runs and dry runs") {
  const Workbench bench("width");
  bench.write("n.toml", config_of("model = \"resnet20\"\nwidth = 0.02"));
  const std::string message =
      "network.width = 0.02 leaves layer conv1 without filters: it has 16 at width 1, and keeps "
      "one from 0.03125 on";
  for (const char* command : {"run", "train"})
    check_refused(bench, {command, "~/n.toml", "-o", "~/out"}, lab::kUsage,
                  "~/n.toml:7:1: " + message);
  check_refused(bench, {"run", "~/n.toml", "-o", "~/out", "--dry-run"}, lab::kUsage,
                "~/n.toml:7:1: " + message);
  check_refused(
      bench, {"run", "~/n.toml", "-o", "~/out", "--set", "network.width=0.01"}, lab::kUsage,
      "--set network.width=0.01: network.width = 0.01 leaves layer conv1 without filters: it has "
      "16 at width 1, and keeps one from 0.03125 on");
  check_refused(bench, {"run", "~/n.toml", "-o", "~/out", "--set", "network.width=0"}, lab::kUsage,
                "--set network.width=0: network.width = 0 is out of range (above 0, at most 16)");
}

TEST_CASE("a width is told where the network has none") {
  const Workbench bench("no-width");
  const auto notes_of = [&](const std::string& network) {
    return lab::key_notes(
        lab::read_experiment(bench.write("n.toml", config_of(network)), std::vector<std::string>{}),
        "train");
  };
  CHECK(notes_of("model = \"mlp\"\nwidth = 0.5") ==
        std::vector<std::string>{bench.path("n.toml") +
                                 ":7:1: network.width has no effect: model \"mlp\" has no width"});
  CHECK(notes_of("model = \"vgg8\"\nwidth = 0.5").empty());
}

TEST_CASE("a checkpoint of another width is refused by the first layer that differs") {
  const Workbench bench("another-width");
  bench.write("n.toml", config_of("model = \"resnet20\"\nwidth = 0.125"));
  REQUIRE(
      bench.ohmic({"train", "~/n.toml", "-o", "~/trained", "--set", "training.epochs=0"}).status ==
      lab::kDone);
  bench.write("m.toml",
              config_of("model = \"resnet20\"\nwidth = 0.25\nfile = \"trained/network.h5\""));
  check_refused(bench, {"run", "~/m.toml", "-o", "~/out"}, lab::kUsage,
                "~/trained/network.h5 is a checkpoint of another network: its layer 0 (conv1) has "
                "filters = 2, expected filters = 4");
}

}  // namespace
}  // namespace ohmic
