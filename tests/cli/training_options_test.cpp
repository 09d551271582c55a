#include <chrono>
#include <random>
#include <thread>

#include "cli/process.h"
#include "cli/refused.h"
#include "cli/same_results.h"
#include "lab/experiment/experiment.h"
#include "lab/experiment/key_notes.h"
#include "nn/checkpoint.h"
#include "repeats.h"

/// Options of [training] through the whole program: stops, resumes, notes and misuse.
namespace ohmic {
namespace {

using namespace testing;

/// Everything that a training remembers from step to step.
const std::vector<std::string> kAllOptions{"training.epochs=4",
                                           "training.batch=16",
                                           "training.optimiser=sgd",
                                           "training.nesterov=true",
                                           "training.schedule=one_cycle",
                                           "training.learning_rate=0.02",
                                           "training.weight_decay=1e-3",
                                           "training.weight_decay_on=weights",
                                           "training.label_smoothing=0.1",
                                           "training.gradient_clip=1.0",
                                           "training.average_weights=ema",
                                           "training.average_decay=0.9",
                                           "training.early_stop_epochs=3",
                                           "data.validation=40"};
constexpr Index kStepsPerEpoch = 18;  // of 280 images

std::vector<std::string> words_of(const std::string& out, std::vector<std::string> settings) {
  std::vector<std::string> words{"train", "~/tiny.toml", "-o", "~/" + out, "--no-cache"};
  for (std::string& setting : settings) words.insert(words.end(), {"--set", std::move(setting)});
  return words;
}

TEST_CASE("kill -9 inside an epoch: the training goes on from its last step, with the same bits") {
  const Workbench bench("kill-epoch");
  std::vector<std::string> often = kAllOptions;
  often.insert(often.end(),
               {"training.checkpoint_every_epochs=1000", "training.checkpoint_every_minutes=1e-9"});
  REQUIRE(bench.ohmic(words_of("whole", kAllOptions)).status == 0);
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(Process(bench, words_of("often", often)).wait() == 0);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  CHECK(first_difference(bench.path("whole/results.h5"), bench.path("often/results.h5")) == "");
  std::mt19937 moments(11);
  const int wanted = repeats(5);
  int inside = 0;
  for (int attempt = 0; inside < wanted && attempt < 20 * wanted; ++attempt) {
    std::filesystem::remove_all(bench.path("killed"));
    Process process(bench, words_of("killed", often));
    std::this_thread::sleep_for(whole * (static_cast<double>(moments()) / 4294967296.0));
    if (!process.kill() || !bench.has("killed/training.h5")) continue;
    const Index step = nn::load_checkpoint(bench.path("killed/training.h5")).state.step;
    if (step % kStepsPerEpoch == 0) continue;
    CAPTURE(step);
    ++inside;
    const Said said = bench.ohmic(words_of("killed", often));
    CAPTURE(said.log);
    REQUIRE(said.status == 0);
    CHECK(said.log.starts_with("resuming the training of plain after epoch " +
                               std::to_string(step / kStepsPerEpoch) + " of 4"));
    for (const char* file : {"/results.h5", "/network.h5"})
      REQUIRE(first_difference(bench.path(std::string("whole") + file),
                               bench.path(std::string("killed") + file)) == "");
  }
  CHECK(inside == wanted);
}

TEST_CASE("a training that stopped early is one that ended") {
  const Workbench bench("early");
  std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/out"};
  // Without steps of any size, accuracy never rises.
  for (const char* setting :
       {"training.epochs=30", "training.learning_rate=0", "training.early_stop_epochs=2"})
    words.insert(words.end(), {"--set", setting});
  Said said = bench.ohmic(words);
  CHECK(said.status == lab::kDone);
  CHECK(said.log.find("plain: epoch   3 of 30") != said.log.npos);
  CHECK(said.log.find("epoch   4 of 30") == said.log.npos);
  CHECK(said.log.find("plain: stopped after epoch 3 of 30; epoch 1 is kept, of validation "
                      "accuracy ") != said.log.npos);
  CHECK(said.out.find("trained 3 epochs in ") != said.out.npos);
  CHECK(said.out.find(", epoch 1 kept") != said.out.npos);
  words.insert(words.end(), {"--set", "seed=9", "--force"});
  said = bench.ohmic(words);
  CHECK(said.status == lab::kDone);
  CHECK(said.out.find("; from ~/cache/") != said.out.npos);
  words.push_back("--dry-run");
  CHECK(bench.ohmic(words).out.find("training  none: the network is there") != std::string::npos);
}

TEST_CASE("an early stop without validation images is refused before anything begins") {
  const Workbench bench("no-validation");
  for (const char* command : {"run", "train"})
    check_refused(bench,
                  {command, "~/tiny.toml", "-o", "~/out", "--set", "data.validation=0", "--set",
                   "training.early_stop_epochs=4"},
                  lab::kUsage,
                  "--set training.early_stop_epochs=4: training.early_stop_epochs = 4 needs "
                  "validation images to judge by; set data.validation above 0");
}

TEST_CASE("training options beyond their ranges are refused by key and value") {
  const Workbench bench("ranges");
  const auto refused = [&](const std::string& setting, const std::string& message) {
    check_refused(bench, {"train", "~/tiny.toml", "-o", "~/out", "--set", "training." + setting},
                  lab::kUsage, "--set training." + setting + ": training." + message);
  };
  refused("label_smoothing=1", "label_smoothing = 1 is out of range (0 or more, below 1)");
  refused("gradient_clip=-1", "gradient_clip = -1 is out of range (0 or more)");
  refused("average_decay=1", "average_decay = 1 is out of range (0 or more, below 1)");
  refused("average_from=1.0", "average_from = 1.0 is out of range (0 or more, below 1)");
  refused("early_stop_epochs=-1", "early_stop_epochs = -1 is out of range (0 .. 1000000)");
  refused("one_cycle_rise=1.5", "one_cycle_rise = 1.5 is out of range (0 .. 1)");
  refused("schedule=onecycle",
          "schedule = \"onecycle\" is not one of constant, step, cosine, one_cycle (did you mean "
          "'one_cycle'?)");
  refused("average_weights=polyak", "average_weights = \"polyak\" is not one of none, ema, swa");
  refused("nesterov=1", "nesterov = 1 is an integer, expected true or false");
}

TEST_CASE("training options that have no effect are told") {
  const Workbench bench("idle");
  const auto told = [&](const std::vector<std::string>& settings, const std::string& words) {
    std::string all;
    for (const std::string& note :
         lab::key_notes(lab::read_experiment(bench.path("tiny.toml"), settings), "train"))
      all += note + "\n";
    CAPTURE(all);
    CHECK(all.find("training." + words) != all.npos);
  };
  told({"training.nesterov=true"}, "nesterov has no effect: optimiser is not \"sgd\"");
  told({"training.nesterov=true", "training.optimiser=sgd", "training.momentum=0"},
       "nesterov has no effect: momentum is 0");
  told({"training.one_cycle_rise=0.2"},
       "one_cycle_rise has no effect: schedule is not \"one_cycle\"");
  told({"training.schedule=one_cycle", "training.warm_up_epochs=1"},
       "warm_up_epochs has no effect: schedule is \"one_cycle\", which rises by one_cycle_rise");
  told({"training.weight_decay_on=weights"}, "weight_decay_on has no effect: weight_decay is 0");
  told({"training.average_decay=0.9"},
       "average_decay has no effect: average_weights is not \"ema\"");
  told({"training.average_weights=ema", "training.average_from=0.5"},
       "average_from has no effect: average_weights is not \"swa\"");
}

}  // namespace
}  // namespace ohmic
