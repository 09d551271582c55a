#include "lab/study/cached_training.h"

#include <chrono>
#include <optional>

#include "base/interrupt.h"
#include "base/kernels.h"
#include "base/progress.h"
#include "io/whole_file.h"

namespace ohmic::lab {

namespace {

/// What `file` keeps of this very training; nothing where it is damaged (which is told), of another
/// one, or lacks the course that is asked for.
std::optional<nn::Checkpoint> load_kept(const std::filesystem::path& file, const CachedTraining& t,
                                        const Console& console) {
  std::optional<nn::Checkpoint> found;
  try {
    found = nn::load_checkpoint(file, t.network);
  } catch (const FileError& error) {
    console.say("{}; {} is trained again\n", error.what(), t.label);
    return std::nullopt;
  }
  const nn::TrainingCourse& course = found->state.course;
  const bool is_monitored = course.monitors.size() == course.loss.size();
  if (found->digest != t.digest || (!is_monitored && t.needs_course)) return std::nullopt;
  if (!found->is_sealed)
    console.say("{}: not sealed (written by Ohmic 0.1.0): damage to it would not be noticed\n",
                file.string());
  return found;
}

}  // namespace

nn::TrainingState train_cached(const CachedTraining& t, nn::TrainingHooks hooks,
                               const Console& console, NetworkOrigin& origin) {
  nn::TrainingState state = t.fresh();
  origin.layers.clear();
  for (const Index layer : t.network.mac_layers()) origin.layers.push_back(t.network.name(layer));
  Index resumed_from = 0, steps = -1;  // -1: from the start
  const std::filesystem::path& file = t.kept.file;
  if (!file.empty()) remove_leftovers(file.parent_path());
  for (const std::filesystem::path& from : {t.kept.cached, file}) {
    if (from.empty() || !std::filesystem::exists(from)) continue;
    std::optional<nn::Checkpoint> found = load_kept(from, t, console);
    if (!found || found->state.step <= steps) continue;
    state = std::move(found->state);
    resumed_from = state.epoch;
    steps = state.step;
    if (state.epoch < t.params.epochs) continue;
    origin.words = "from " + from.string();
    origin.course = state.course;
    origin.state = state;
    return state;
  }
  if (!t.kept.note.empty())
    console.say("{}: this training is kept in {}\n", t.kept.note, file.string());
  if (steps >= 0)
    console.say("resuming the training of {} after epoch {} of {}\n", t.label, state.epoch,
                t.params.epochs);
  if (!file.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(file.parent_path(), failed);
    if (failed)
      throw FileError(file.parent_path().string() + ": cannot be made: " + failed.message());
  }
  const auto start = std::chrono::steady_clock::now();
  hooks.checkpoint = file;
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
