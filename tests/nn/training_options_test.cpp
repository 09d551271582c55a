#include <doctest/doctest.h>

#include <cmath>

#include "folder.h"
#include "messages.h"
#include "nn/forward.h"
#include "nn/inference.h"
#include "nn/trainer.h"
#include "synthetic.h"

/// Averaged weights, early stops, and what a checkpoint needs to go on with them.
namespace ohmic::nn {
namespace {

using ohmic::testing::Folder;
using ohmic::testing::message_of;
using testing::small_network;
using testing::synthetic_data;

constexpr int kStepsPerEpoch = 3;  // of 400 images in batches of 150

TrainingParams constant_sgd() {
  TrainingParams p;
  p.epochs = 4;
  p.batch = 150;
  p.optimiser = OptimiserKind::sgd;
  p.schedule = ScheduleKind::constant;
  p.learning_rate = 0.05;
  return p;
}

/// Everything at once.
TrainingParams all_options() {
  TrainingParams p = constant_sgd();
  p.epochs = 6;
  p.schedule = ScheduleKind::one_cycle;
  p.nesterov = true;
  p.weight_decay = 1e-3;
  p.weight_decay_on = DecayOn::weights;
  p.label_smoothing = 0.1;
  p.gradient_clip = 0.5;
  p.early_stop_epochs = 2;
  return p;
}

TrainingHooks quiet() {
  TrainingHooks hooks;
  hooks.quiet = true;
  return hooks;
}

TrainingState train_from_start(const Network& network, const Data& data,
                               const TrainingParams& params, const TrainingHooks& hooks) {
  return train(network, data, params, initial_training_state(network, params), hooks);
}

/// The state that a training has before step `step`.
TrainingState state_before(const Network& network, const Data& data, const TrainingParams& params,
                           int step, const Folder& folder) {
  TrainingHooks hooks = quiet();
  hooks.checkpoint = folder / "at-step.h5";
  int asked = 0;
  hooks.stop_requested = [&] { return asked++ == step; };
  CHECK_THROWS_AS(train_from_start(network, data, params, hooks), Interrupted);
  return load_checkpoint(hooks.checkpoint, network).state;
}

bool equal(const TrainingState& a, const TrainingState& b) {
  return a.parameters == b.parameters && a.optimiser.moments == b.optimiser.moments &&
         a.step == b.step && a.epoch == b.epoch && a.best.epoch == b.best.epoch &&
         a.best.accuracy == b.best.accuracy && a.course.loss == b.course.loss &&
         a.course.validation_accuracy == b.course.validation_accuracy;
}

/// Largest distance between the trained parameters of two sets.
double distance(const Network& network, const ParameterSet<float>& a,
                const ParameterSet<double>& b) {
  double most = 0;
  for (std::size_t l = 0; l < a.size(); ++l)
    for (std::size_t p = 0; p < a[l].size(); ++p)
      if (network.structure(static_cast<Index>(l)).parameters[p].is_trained)
        for (Index i = 0; i < a[l][p].value.size(); ++i)
          most = std::max(most, std::abs(static_cast<double>(a[l][p].value.data()[i]) -
                                         b[l][p].value.data()[i]));
  return most;
}

/// Adds `weight` times a set.
void add(ParameterSet<double>& sum, const ParameterSet<float>& term, double weight) {
  for (std::size_t l = 0; l < sum.size(); ++l)
    for (std::size_t p = 0; p < sum[l].size(); ++p)
      for (Index i = 0; i < sum[l][p].value.size(); ++i)
        sum[l][p].value.data()[i] += weight * static_cast<double>(term[l][p].value.data()[i]);
}

TEST_CASE("a training with ema ends in the average of its steps") {
  const Folder folder("ema");
  const Data data = synthetic_data(400);
  const Network network = small_network();
  TrainingParams params = constant_sgd();
  params.epochs = 2;
  const TrainingState plain = train_from_start(network, data, params, quiet());
  params.average_weights = Averaging::ema;
  params.average_decay = 0.7;
  const TrainingState averaged = train_from_start(network, data, params, quiet());
  CHECK(plain.optimiser.moments == averaged.optimiser.moments);  // the steps are the same
  CHECK(averaged.average.terms == 0);                            // it is in place

  ParameterSet<double> mean = zero_parameters<double>(network);
  double weights = 0;
  for (int step = 1; step <= 2 * kStepsPerEpoch; ++step)
    weights += std::pow(0.7, 2 * kStepsPerEpoch - step);
  for (int step = 1; step <= 2 * kStepsPerEpoch; ++step) {
    const ParameterSet<float> w =
        step == 2 * kStepsPerEpoch ? plain.parameters
                                   : state_before(network, data, params, step, folder).parameters;
    add(mean, w, std::pow(0.7, 2 * kStepsPerEpoch - step) / weights);
  }
  CHECK(distance(network, averaged.parameters, mean) < 1e-6);
  CHECK(distance(network, plain.parameters, mean) > 1e-3);
}

TEST_CASE("a training with swa ends in the mean of its last epochs") {
  const Folder folder("swa");
  const Data data = synthetic_data(400);
  const Network network = small_network();
  TrainingParams params = constant_sgd();
  const TrainingState plain = train_from_start(network, data, params, quiet());
  params.average_weights = Averaging::swa;
  params.average_from = 0.5;  // of four epochs: the third and the fourth
  const TrainingState averaged = train_from_start(network, data, params, quiet());
  ParameterSet<double> mean = zero_parameters<double>(network);
  add(mean, plain.parameters, 0.5);
  add(mean, state_before(network, data, params, 3 * kStepsPerEpoch, folder).parameters, 0.5);
  CHECK(distance(network, averaged.parameters, mean) < 1e-6);
  // Before the average begins, validation looks at the weights themselves.
  CHECK(averaged.course.validation_accuracy[1] == plain.course.validation_accuracy[1]);
  CHECK(averaged.course.loss == plain.course.loss);
}

TEST_CASE("batch-norm's statistics belong to the averaged weights") {
  const Data data = synthetic_data(400);
  const Network network = small_network();
  TrainingParams params = constant_sgd();
  params.learning_rate = 0.5;  // weights move far
  params.average_weights = Averaging::swa;
  params.average_from = 0;
  const TrainingState state = train_from_start(network, data, params, quiet());
  // What batch-norm sees of all training images under the final weights.
  const Network before = testing::network_of(
      "[[layers]]\ntype = \"conv\"\nfilters = 4\nkernel = 3\npadding = 1", {1, 6, 6});
  const ParameterSet<float> weights{state.parameters[0]};
  Workspace<float> workspace(before, Kept::outputs);
  std::vector<double> sum(4), squares(4);
  double count = 0;
  for (Index first = 0; first < 400; first += kLanes) {
    std::vector<Index> images;
    for (Index i = first; i < std::min<Index>(400, first + kLanes); ++i) images.push_back(i);
    std::vector<Label> labels(images.size());
    fill_lanes<float>(data.train, data.normalisation, images, workspace.input(), labels);
    forward(before, weights, workspace, {.samples = static_cast<Index>(images.size())});
    for (Index c = 0; c < 4; ++c)
      for (Index pixel = 36 * c; pixel < 36 * c + 36; ++pixel)
        for (std::size_t lane = 0; lane < images.size(); ++lane) {
          const double y =
              static_cast<double>(workspace.output(0)(pixel, static_cast<Index>(lane)));
          sum[static_cast<std::size_t>(c)] += y;
          squares[static_cast<std::size_t>(c)] += y * y;
        }
    count += 36.0 * static_cast<double>(images.size());
  }
  for (Index c = 0; c < 4; ++c) {
    const double mean = sum[static_cast<std::size_t>(c)] / count,
                 variance = squares[static_cast<std::size_t>(c)] / count - mean * mean;
    CHECK((*find(state.parameters[1], "running_mean"))(0, c) ==
          doctest::Approx(mean).epsilon(1e-4));
    // Of micro-batches: the variance between their means is not in it.
    CHECK((*find(state.parameters[1], "running_variance"))(0, c) ==
          doctest::Approx(variance).epsilon(0.05));
  }
}

TEST_CASE("an early stop keeps the first of the best epochs, averaged or not") {
  const Folder folder("early");
  const Data data = synthetic_data(400);
  const Network network = small_network();
  for (const Averaging averaging : {Averaging::none, Averaging::ema}) {
    TrainingParams params = constant_sgd();
    params.epochs = 12;
    params.learning_rate = 0.4;  // accuracies go up and down
    params.average_weights = averaging;
    params.average_decay = 0.5;
    std::vector<ParameterSet<float>> used;
    TrainingHooks hooks = quiet();
    hooks.checkpoint = folder / "training.h5";
    hooks.on_epoch = [&](const EpochReport&) {
      const TrainingState state = load_checkpoint(hooks.checkpoint, network).state;
      used.push_back(state.average.terms > 0 ? state.average.parameters : state.parameters);
    };
    const TrainingState whole = train_from_start(network, data, params, hooks);
    const std::vector<double>& accuracy = whole.course.validation_accuracy;
    constexpr std::size_t kPatience = 2;
    std::size_t best = 0, last = 0;
    for (; last + 1 < accuracy.size() && last - best < kPatience; ++last)
      if (accuracy[last + 1] > accuracy[best]) best = last + 1;
    params.early_stop_epochs = kPatience;
    const TrainingState stopped = train_from_start(network, data, params, quiet());
    CHECK(stopped.epoch == static_cast<Index>(last + 1));
    CHECK(stopped.epoch < params.epochs);
    CHECK(is_finished(stopped, params));
    CHECK(stopped.best.epoch == static_cast<Index>(best + 1));
    CHECK(stopped.best.accuracy == accuracy[best]);
    CHECK(stopped.parameters == used[best]);
    CHECK(stopped.course.loss.size() == last + 1);
    CHECK(evaluate(network, stopped.parameters, data.validation, data.normalisation).accuracy ==
          accuracy[best]);
    CHECK(stopped.best.parameters.empty());
  }
}

TEST_CASE("an early stop needs validation images") {
  Data data = synthetic_data(100);
  data.validation.index.clear();
  const Network network = small_network();
  TrainingParams params = constant_sgd();
  params.early_stop_epochs = 5;
  CHECK(message_of<ConfigError>([&] { train_from_start(network, data, params, quiet()); }) ==
        "training.early_stop_epochs = 5 needs validation images to judge by; set data.validation "
        "above 0");
}

TEST_CASE("a training with every option goes on from any step with the same bits") {
  const Folder folder("options");
  const Data data = synthetic_data(400);
  const Network network = small_network();
  for (const Averaging averaging : {Averaging::ema, Averaging::swa}) {
    TrainingParams params = all_options();
    params.average_weights = averaging;
    params.average_decay = 0.8;
    params.average_from = 0.2;
    const TrainingState whole = train_from_start(network, data, params, quiet());
    CHECK(whole.best.epoch > 0);
    for (const int step : {1, 2, 4, 5, 6, 8}) {
      if (step >= whole.step) continue;
      CAPTURE(step);
      TrainingState state = state_before(network, data, params, step, folder);
      CHECK(state.step == step);
      CHECK(equal(whole, train(network, data, params, std::move(state), quiet())));
    }
  }
}

/// The running statistics of all batch-norm layers.
std::vector<Matrix<float>> statistics_of(const TrainingState& state) {
  std::vector<Matrix<float>> found;
  for (const LayerParameters<float>& layer : state.parameters)
    for (const char* name : {"running_mean", "running_variance"})
      if (const Matrix<float>* value = find(layer, name)) found.push_back(*value);
  return found;
}

TEST_CASE("fixed statistics are those of the epochs before, and those of averaged weights too") {
  const Data data = synthetic_data(400);
  const Network network = small_network();
  TrainingParams params = constant_sgd();
  params.batch_norm_statistics = BatchNormStatistics::fixed;
  params.batch_norm_fixed_after_epochs = 1;
  params.epochs = 1;
  const auto first = statistics_of(train_from_start(network, data, params, quiet()));
  REQUIRE(first.size() == 2);
  CHECK(first.front() != Matrix<float>(1, first.front().columns()));
  params.epochs = 3;
  const TrainingState plain = train_from_start(network, data, params, quiet());
  CHECK(statistics_of(plain) == first);
  params.average_weights = Averaging::ema;
  const TrainingState averaged = train_from_start(network, data, params, quiet());
  CHECK(statistics_of(averaged) == first);
  CHECK(averaged.parameters[0] != plain.parameters[0]);
  params.average_weights = Averaging::none;
  params.batch_norm_statistics = BatchNormStatistics::batch;
  const TrainingState batch = train_from_start(network, data, params, quiet());
  CHECK(statistics_of(batch) != first);
  params.batch_norm_statistics = BatchNormStatistics::group;
  CHECK(statistics_of(train_from_start(network, data, params, quiet())) != statistics_of(batch));
}

TEST_CASE("checkpoints by the clock change no bit, and each is one to go on from") {
  const Folder folder("clock");
  const Data data = synthetic_data(400);
  const Network network = small_network();
  TrainingParams params = all_options();
  params.epochs = 3;
  params.average_weights = Averaging::ema;
  const TrainingState whole = train_from_start(network, data, params, quiet());
  params.checkpoint_every_epochs = 1000;
  params.checkpoint_every_minutes = 1e-9;
  TrainingHooks hooks = quiet();
  hooks.checkpoint = folder / "training.h5";
  // Before each step, what a kill would leave.
  std::vector<std::filesystem::path> left;
  hooks.stop_requested = [&] {
    if (!std::filesystem::exists(hooks.checkpoint)) return false;
    left.push_back(folder / ("left-" + std::to_string(left.size()) + ".h5"));
    std::filesystem::copy_file(hooks.checkpoint, left.back());
    return false;
  };
  CHECK(equal(whole, train_from_start(network, data, params, hooks)));
  CHECK(left.size() == 3 * kStepsPerEpoch - 1);
  for (std::size_t i = 0; i < left.size(); ++i) {
    TrainingState state = load_checkpoint(left[i], network).state;
    CHECK(state.step == static_cast<Index>(i));
    CHECK(equal(whole, train(network, data, params, std::move(state), quiet())));
  }
  params.checkpoint_every_minutes = 0;
  hooks.checkpoint = folder / "none.h5";
  hooks.stop_requested = [&] {
    CHECK_FALSE(std::filesystem::exists(hooks.checkpoint));
    return false;
  };
  CHECK(equal(whole, train_from_start(network, data, params, hooks)));
}

}  // namespace
}  // namespace ohmic::nn
