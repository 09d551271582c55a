#include "nn/trainer.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/parallel.h"
#include "folder.h"
#include "messages.h"
#include "nn/inference.h"
#include "nn/perturbation.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::Folder;
using ohmic::testing::message_of;
using testing::small_network;
using testing::synthetic_data;

TrainingParams short_training() {
  TrainingParams p;
  p.epochs = 3;
  p.batch = 150;  // micro-batches of 64, 64 and 22; the last batch of an epoch is smaller
  p.learning_rate = 0.01;
  return p;
}

/// Sets the number of threads back at the end.
struct Threads {
  int before = threads();
  ~Threads() { set_threads(before); }
};

bool equal(const TrainingState& a, const TrainingState& b) {
  return a.parameters == b.parameters && a.optimiser.moments == b.optimiser.moments &&
         a.step == b.step && a.epoch == b.epoch;
}

TEST_CASE("training learns, and no bit depends on the number of threads") {
  const Threads restore;
  const Data data = synthetic_data(400);
  const Network network = small_network();
  const TrainingParams params = short_training();
  const LogNormalPerturbation perturbation(0.3);
  std::vector<TrainingState> results;
  std::vector<EpochReport> reports;
  for (int count : {1, 2, 3}) {
    set_threads(count);
    reports.clear();
    TrainingHooks hooks;
    hooks.rules.perturbation = &perturbation;
    hooks.quiet = true;
    hooks.on_epoch = [&](const EpochReport& r) { reports.push_back(r); };
    results.push_back(train(network, data, params, initial_training_state(network, params), hooks));
  }
  CHECK(equal(results[0], results[1]));
  CHECK(equal(results[0], results[2]));
  REQUIRE(reports.size() == 3);
  CHECK(reports.back().epoch == 3);
  CHECK(reports.back().validation_accuracy > 0.9);
  CHECK(reports.back().loss < reports.front().loss);
  CHECK(evaluate(network, results[0].parameters, data.test, data.normalisation).accuracy > 0.9);
}

TEST_CASE(
    "a resumed training ends with the bits of an uninterrupted one, wherever it was stopped") {
  const Folder folder("resume");
  const Data data = synthetic_data(400);
  const Network network = small_network();
  for (OptimiserKind kind : {OptimiserKind::adam, OptimiserKind::sgd}) {
    TrainingParams params = short_training();
    params.optimiser = kind;
    double whole_loss = 0;
    TrainingHooks hooks;
    hooks.quiet = true;
    hooks.on_epoch = [&](const EpochReport& r) { whole_loss = r.loss; };
    const TrainingState whole =
        train(network, data, params, initial_training_state(network, params), hooks);
    for (int steps : {0, 4, 6}) {  // three steps per epoch
      int asked = 0;
      double loss = 0;
      hooks.checkpoint = folder / "training.h5";
      hooks.digest = "abc";
      hooks.on_epoch = [&](const EpochReport& r) { loss = r.loss; };
      hooks.stop_requested = [&] { return asked++ == steps; };
      const std::string message = message_of<Interrupted>(
          [&] { train(network, data, params, initial_training_state(network, params), hooks); });
      CHECK(message.find("goes on from") != std::string::npos);
      Checkpoint checkpoint = load_checkpoint(hooks.checkpoint, network);
      CHECK(checkpoint.state.step == steps);
      CHECK(checkpoint.digest == "abc");
      hooks.stop_requested = {};
      const TrainingState resumed =
          train(network, data, params, std::move(checkpoint.state), hooks);
      CHECK(equal(whole, resumed));
      CHECK(loss == whole_loss);
      CHECK(equal(whole, load_checkpoint(hooks.checkpoint, network).state));
    }
  }
}

TEST_CASE("the gradient of a perturbed weight reaches the clean one times the derivative") {
  // One linear layer, one step of plain sgd: w moves by rate * mean over images of dL/dw~ *
  // e^theta.
  const Data data = synthetic_data(64);
  const Network network =
      testing::network_of("[[layers]]\ntype = \"linear\"\noutputs = 3", {1, 6, 6});
  TrainingParams params;
  params.optimiser = OptimiserKind::sgd;
  params.momentum = 0;
  params.learning_rate = 0.25;
  params.schedule = ScheduleKind::constant;
  params.epochs = 1;
  params.batch = 64;
  const LogNormalPerturbation perturbation(0.5);
  TrainingHooks hooks;
  hooks.quiet = true;
  const TrainingState start = initial_training_state(network, params);

  Matrix<float> noisy(3, 36), derivative(3, 36);
  perturbation.draw(RandomStream(1), Purpose::training_noise, {}, start.parameters[0][0].value,
                    noisy, derivative);
  TrainingState from_noisy = start;
  from_noisy.parameters[0][0].value = noisy;
  const TrainingState plain = train(network, data, params, from_noisy, hooks);
  hooks.rules.perturbation = &perturbation;
  const TrainingState perturbed = train(network, data, params, start, hooks);
  for (Index i = 0; i < noisy.size(); ++i) {
    const float slope = plain.parameters[0][0].value.data()[i] - noisy.data()[i];
    const float moved =
        perturbed.parameters[0][0].value.data()[i] - start.parameters[0][0].value.data()[i];
    CHECK(moved == doctest::Approx(slope * derivative.data()[i]).epsilon(1e-3));
  }
  CHECK(plain.parameters[0][1] == perturbed.parameters[0][1]);  // biases are exact
}

TEST_CASE("a training that diverges says so") {
  const Data data = synthetic_data(200);
  const Network network = small_network();
  TrainingParams params = short_training();
  params.optimiser = OptimiserKind::sgd;
  params.learning_rate = 1e20;
  TrainingHooks hooks;
  hooks.quiet = true;
  const std::string message = message_of<ConfigError>(
      [&] { train(network, data, params, initial_training_state(network, params), hooks); });
  CHECK(message.find("training diverged: the loss is not finite at epoch 1") == 0);
  CHECK(message.find("learning_rate") != std::string::npos);
}

TEST_CASE("going on with another optimiser is an error") {
  const Data data = synthetic_data(100);
  const Network network = small_network();
  TrainingParams params = short_training();
  TrainingState state = initial_training_state(network, params);
  params.optimiser = OptimiserKind::sgd;
  CHECK_THROWS_AS(train(network, data, params, std::move(state), {}), ConfigError);
}

}  // namespace
}  // namespace ohmic::nn
