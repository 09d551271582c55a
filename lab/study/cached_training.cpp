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

/// A training as a file has it.
struct KeptState {
  nn::TrainingState state;
  std::filesystem::path file;
};

/// The kept state to go on from: the first that is finished, or that of the most steps; nothing
/// where none is kept.
std::optional<KeptState> furthest_kept(const CachedTraining& t, const Console& console) {
  std::optional<KeptState> furthest;
  for (const std::filesystem::path& from : {t.kept.cached, t.kept.file}) {
    if (from.empty() || !std::filesystem::exists(from)) continue;
    std::optional<nn::Checkpoint> found = load_kept(from, t, console);
    if (!found || (furthest && found->state.step <= furthest->state.step)) continue;
    furthest = {std::move(found->state), from};
    if (nn::is_finished(furthest->state, t.params)) break;
  }
  return furthest;
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw FileError(folder.string() + ": cannot be made: " + failed.message());
}

void say_epoch(const std::string& label, const nn::EpochReport& r, const Console& console) {
  console.say("{}: epoch {:3} of {}: loss {:.4f}, training accuracy {} %{}, {} images/s\n", label,
              r.epoch, r.epochs, r.loss, per_cent(r.train_accuracy),
              r.validation_accuracy == r.validation_accuracy
                  ? ", validation " + per_cent(r.validation_accuracy) + " %"
                  : "",
              grouped(static_cast<std::int64_t>(r.images_per_second)));
}

}  // namespace

nn::TrainingState train_cached(const CachedTraining& t, nn::TrainingHooks hooks,
                               const Console& console, NetworkOrigin& origin) {
  origin.layers.clear();
  for (const Index layer : t.network.mac_layers()) origin.layers.push_back(t.network.name(layer));
  const std::filesystem::path& file = t.kept.file;
  if (!file.empty()) remove_leftovers(file.parent_path());
  std::optional<KeptState> kept = furthest_kept(t, console);
  if (kept && nn::is_finished(kept->state, t.params)) {
    origin.words = "from " + kept->file.string();
    origin.course = kept->state.course;
    if (t.keeps_state) origin.state = kept->state;
    return std::move(kept->state);
  }
  nn::TrainingState state = kept ? std::move(kept->state) : t.fresh();
  const Index resumed_from = state.epoch;
  if (!t.kept.note.empty())
    console.say("{}: this training is kept in {}\n", t.kept.note, file.string());
  if (kept)
    console.say("resuming the training of {} after epoch {} of {}\n", t.label, resumed_from,
                t.params.epochs);
  if (!file.empty()) make_folder(file.parent_path());
  const auto start = std::chrono::steady_clock::now();
  hooks.checkpoint = file;
  hooks.digest = t.digest;
  hooks.quiet = console.quiet;
  hooks.stop_requested = interrupted;
  std::vector<double> rates;
  const auto also = hooks.on_epoch;
  hooks.on_epoch = [&](const nn::EpochReport& r) {
    rates.push_back(r.images_per_second);
    say_epoch(t.label, r, console);
    if (also) also(r);
  };
  state = nn::train(t.network, t.data, t.params, std::move(state), hooks);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  double rate = 0;
  for (const double r : rates) rate += r / static_cast<double>(rates.size());
  origin.course = state.course;
  if (t.keeps_state) origin.state = state;
  origin.images_per_second = rate;
  origin.words = fmt::format("trained {} epochs in {} ({} images/s)", state.epoch - resumed_from,
                             human_time(seconds), grouped(static_cast<std::int64_t>(rate)));
  if (state.best.epoch > 0) {
    origin.words += fmt::format(", epoch {} kept", state.best.epoch);
    console.say("{}: {} epoch {} of {}; epoch {} is kept, of validation accuracy {} %\n", t.label,
                state.epoch < t.params.epochs ? "stopped after" : "trained to", state.epoch,
                t.params.epochs, state.best.epoch, per_cent(state.best.accuracy));
  }
  return state;
}

}  // namespace ohmic::lab
