#include "lab/cached_training.h"

#include <chrono>

#include "base/kernels.h"
#include "base/progress.h"
#include "lab/interrupt.h"

namespace ohmic::lab {

std::string arithmetic_name() {
  const std::string_view level = kernels().level;
  return level == "v3" || level == "v4" ? "fused" : std::string(level);
}

nn::TrainingState train_cached(const CachedTraining& t, nn::TrainingHooks hooks,
                               const Console& console, NetworkOrigin& origin) {
  nn::TrainingState state = t.fresh();
  origin.layers.clear();
  for (const Index layer : t.network.mac_layers()) origin.layers.push_back(t.network.name(layer));
  Index resumed_from = 0;
  if (!t.file.empty() && std::filesystem::exists(t.file)) {
    nn::Checkpoint found = nn::load_checkpoint(t.file, t.network);
    const nn::TrainingCourse& course = found.state.course;
    const bool is_monitored = course.monitors.size() == course.loss.size();
    if (found.digest == t.digest && (is_monitored || !t.needs_course)) {
      state = std::move(found.state);
      resumed_from = state.epoch;
      if (state.epoch >= t.params.epochs) {
        origin.words = "from " + t.file.string();
        origin.course = state.course;
        origin.state = state;
        return state;
      }
      console.say("resuming the training of {} after epoch {} of {}\n", t.label, state.epoch,
                  t.params.epochs);
    }
  }
  if (!t.file.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(t.file.parent_path(), failed);
    if (failed)
      throw FileError(t.file.parent_path().string() + ": cannot be made: " + failed.message());
  }
  const auto start = std::chrono::steady_clock::now();
  hooks.checkpoint = t.file;
  hooks.digest = t.digest;
  hooks.quiet = console.quiet;
  hooks.stop_requested = interrupted;
  std::vector<double> rates;
  const auto also = hooks.on_epoch;
  hooks.on_epoch = [&](const nn::EpochReport& r) {
    rates.push_back(r.images_per_second);
    console.say("{}: epoch {:3} of {}: loss {:.4f}, training accuracy {} %{}, {} images/s\n",
                t.label, r.epoch, r.epochs, r.loss, per_cent(r.train_accuracy),
                r.validation_accuracy == r.validation_accuracy
                    ? ", validation " + per_cent(r.validation_accuracy) + " %"
                    : "",
                grouped(static_cast<std::int64_t>(r.images_per_second)));
    if (also) also(r);
  };
  state = nn::train(t.network, t.data, t.params, std::move(state), hooks);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double rate = 0;
  for (const double r : rates) rate += r / static_cast<double>(rates.size());
  origin.course = state.course;
  origin.state = state;
  origin.images_per_second = rate;
  origin.words =
      fmt::format("trained {} epochs in {} ({} images/s)", t.params.epochs - resumed_from,
                  human_time(seconds), grouped(static_cast<std::int64_t>(rate)));
  return state;
}

}  // namespace ohmic::lab
