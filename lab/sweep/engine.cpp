#include "lab/sweep/engine.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <set>

#include "base/host.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/statistics.h"
#include "lab/study/bootstrap_statistic.h"
#include "lab/study/chip_loop.h"
#include "lab/study/flow.h"
#include "lab/study/method_run.h"

namespace ohmic::lab {
namespace {

constexpr const char* kGoOn =
    "interrupted; points that are done are kept: the same command goes on from them";
// Programmed cells that are kept for points that only read them otherwise: some 16 bytes each.
constexpr std::int64_t kMostKeptCells = std::int64_t{1} << 26;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What points on one prepared network share.
class SharedNetwork {
 public:
  SharedNetwork(PreparedMethod method, const nn::Data& data)
      : method_(std::move(method)), data_(data) {}
  const PreparedMethod& method() const { return method_; }
  std::shared_ptr<const CleanActivations> calibration(const Experiment& e) {
    const std::lock_guard guard(mutex_);
    auto& found = calibration_[e.evaluation.calibration_images];
    if (!found) found = calibration_activations(method_, e, data_);
    return found;
  }
  const nn::Evaluation& float_network(const Experiment& e) {
    const std::lock_guard guard(mutex_);
    auto& found = float_[e.evaluation.images];
    if (!found)
      found = nn::evaluate(method_.trained.network, method_.trained.parameters,
                           evaluated_images(e, data_), data_.normalisation);
    return *found;
  }

 private:
  PreparedMethod method_;
  const nn::Data& data_;
  std::mutex mutex_;
  std::map<std::int64_t, std::shared_ptr<const CleanActivations>> calibration_;
  std::map<std::int64_t, std::optional<nn::Evaluation>> float_;
};

PointResult measure_point(const PointWork& work, const nn::Data& data, SharedNetwork& shared,
                          ProgrammedChips* programmed, const Console& console) {
  const auto start = Clock::now();
  const Experiment& e = work.measured;
  const PreparedMethod& method = shared.method();
  const SharedWork common{shared.calibration(e), programmed};
  const MethodChips chips(method, e, data, devices::Population::reported, common);
  RunSetting setting{e, data, method, chips, &shared.float_network(e)};
  setting.ideal_hardware = work.ideal_hardware;
  if (e.sweep.until.accuracy_ci_points)
    setting.enough = [&e](const std::vector<double>& accuracy) { return is_narrow(e, accuracy); };
  const RunResult r = measure(setting, console);

  PointResult point;
  point.accuracy = r.chip_accuracy;
  const auto a_chip = static_cast<std::size_t>(r.programmings * r.reads);
  const auto chip_means = [&](const std::vector<double>& all) {
    std::vector<double> means(all.size() / a_chip);
    for (std::size_t i = 0; i < all.size(); ++i)
      means[i / a_chip] += all[i] / static_cast<double>(a_chip);
    return means;
  };
  point.top5_accuracy = chip_means(r.top5_accuracy);
  point.loss = chip_means(r.loss);
  point.float_accuracy = r.float_network.accuracy;
  point.cost = r.cost;
  for (const sim::CellCounts& layer : r.cells) {
    point.cells_within_tolerance += layer.within_tolerance();
    point.cells_gave_up += layer.gave_up;
  }
  point.network = {method.base_weights, method.base_macs};
  if (work.selection_chips > 0)
    point.selection_accuracy =
        mean_of(chip_accuracies(method, e, data,
                                {.population = devices::Population::selection,
                                 .chips = work.selection_chips,
                                 .images = data.validation.first(work.selection_images),
                                 .ideal_hardware = work.ideal_hardware},
                                console, {common.calibration, nullptr}));
  for (const BudgetLine& line : r.budget) point.budget.emplace_back(line.key, line.accuracy);
  if (!r.accumulated_db.empty()) {
    const nn::Network& network = method.trained.network;
    for (const Index layer : network.mac_layers()) point.layers.push_back(network.name(layer));
    point.accumulated_db = r.accumulated_db;
    point.isolated_db = r.isolated_db;
  }
  point.seconds = seconds_since(start);
  point.host = host_name();
  point.arithmetic = arithmetic_name();
  return point;
}

/// Points of the same cells that are still to be run, and the cells while there are any.
struct KeptCells {
  std::size_t left = 0;
  std::unique_ptr<ProgrammedChips> chips;
};

class Runner {
 public:
  Runner(const PointJob& job, const FolderLock& lock, std::vector<std::size_t> mine)
      : job_(job),
        lock_(lock),
        mine_(std::move(mine)),
        quiet_{job.console.out, job.console.log, true, false} {}

  PointTally run() {
    std::vector<std::size_t> todo;
    std::vector<std::string> damaged;
    for (const std::size_t i : mine_) {
      const auto result = job_.folder.result(job_.points[i].digest, &damaged);
      if (result)
        tell_done(i, *result, false);
      else
        todo.push_back(i);
    }
    for (const std::string& file : damaged)
      job_.console.say("a damaged point file was put aside as {}; its point runs again\n", file);
    if (todo.empty()) return {};
    progress_.emplace(job_.name, static_cast<std::int64_t>(todo.size()), job_.console.quiet);
    if (done_ > 0) job_.console.say("{} of {} points are there; going on\n", done_, mine_.size());
    for (const std::size_t i : todo) job_.folder.forget_failure(job_.points[i].digest);
    run_groups(todo);
    // What another process had claimed: run it if that process is gone by now.
    std::vector<std::size_t> again;
    for (const std::size_t i : std::exchange(elsewhere_, {}))
      if (!job_.folder.is_done(job_.points[i].digest) &&
          !job_.folder.is_claimed(job_.points[i].digest))
        again.push_back(i);
    if (!again.empty()) run_groups(again);
    return {todo.size(), failed_};
  }

 private:
  /// Points sorted so that those of one network follow each other.
  void run_groups(const std::vector<std::size_t>& todo) {
    for (std::size_t first = 0; first < todo.size();) {
      std::size_t last = first;
      while (last < todo.size() &&
             job_.points[todo[last]].network == job_.points[todo[first]].network)
        ++last;
      run_group(
          {todo.begin() + static_cast<Index>(first), todo.begin() + static_cast<Index>(last)});
      first = last;
    }
  }

  void run_group(const std::vector<std::size_t>& group) {
    stop_if_interrupted(kGoOn);
    const PointWork work = job_.work(group.front());
    const Experiment& first = work.measured;
    const nn::Data& data = job_.data.of(first);
    std::optional<SharedNetwork> shared;
    try {
      shared.emplace(prepare(work.training(), data, job_.points[group.front()].training), data);
    } catch (const ConfigError& error) {
      for (const std::size_t i : group) tell_failed(i, error.what());
      return;
    } catch (const ShapeError& error) {
      for (const std::size_t i : group) tell_failed(i, error.what());
      return;
    }
    std::map<std::string, KeptCells> kept;
    for (const std::size_t i : group) ++kept[job_.points[i].cells].left;
    // A point that has work for all threads gets them; small ones run side by side.
    const Index images = first.evaluation.images ? first.evaluation.images : data.test.size();
    const bool side_by_side =
        block_count(images, first.evaluation.batch) < 2 * threads() && group.size() > 1;
    const auto one = [&](Index at) {
      const std::size_t i = group[static_cast<std::size_t>(at)];
      if (!stopped_ && !interrupted()) run_point(i, data, *shared, kept, side_by_side);
    };
    if (side_by_side)
      for_each_block(static_cast<Index>(group.size()), one);
    else
      for (Index at = 0; at < static_cast<Index>(group.size()); ++at) one(at);
    stop_if_interrupted(kGoOn);
  }

  /// The method's network, trained once for all processes that need it.
  PreparedMethod prepare(const Experiment& e, const nn::Data& data, const std::string& training) {
    const std::filesystem::path file = job_.folder.lock_file("training-" + training);
    std::unique_ptr<FolderLock> lock;
    for (bool is_told = false; !(lock = FolderLock::take(file));) {
      stop_if_interrupted(kGoOn);
      const auto owner = living_owner(file);
      if (owner && !std::exchange(is_told, true))
        job_.console.say("waiting for a training by {}\n", owner->words());
      usleep(100'000);
    }
    return prepare_method(
        {.experiment = e,
         .data = data,
         .use_cache = job_.use_cache,
         .folder = job_.folder.folder() / "trainings",
         .console = job_.console,
         .names_by_digest = true,
         .shares_folder = job_.shard.is_one_of_many() || !job_.range.has_all(job_.points.size())},
        e.methods.parse(e.run.method));
  }

  void run_point(std::size_t i, const nn::Data& data, SharedNetwork& shared,
                 std::map<std::string, KeptCells>& kept, bool side_by_side) {
    const PointPlan& point = job_.points[i];
    if (!job_.folder.claim(point.digest, lock_)) {
      const std::lock_guard guard(mutex_);
      elsewhere_.push_back(i);
      return;
    }
    try {
      if (const auto found = job_.folder.result(point.digest)) {
        tell_done(i, *found, true);  // another process was faster
      } else {
        measure_and_write(i, data, shared, cells_for(point, kept, side_by_side));
      }
    } catch (const Interrupted&) {
      job_.folder.release(point.digest, lock_);
      throw Interrupted(kGoOn);
    } catch (...) {
      stopped_ = true;
      job_.folder.release(point.digest, lock_);
      throw;
    }
    job_.folder.release(point.digest, lock_);
    const std::lock_guard guard(mutex_);
    if (--kept[point.cells].left == 0) kept[point.cells].chips.reset();
  }

  ProgrammedChips* cells_for(const PointPlan& point, std::map<std::string, KeptCells>& kept,
                             bool side_by_side) {
    const std::lock_guard guard(mutex_);
    KeptCells& cells = kept[point.cells];
    if (!cells.chips && cells.left > 1)
      cells.chips =
          std::make_unique<ProgrammedChips>(kMostKeptCells / (side_by_side ? threads() : 1));
    return cells.chips.get();
  }

  void measure_and_write(std::size_t i, const nn::Data& data, SharedNetwork& shared,
                         ProgrammedChips* programmed) {
    std::optional<PointResult> result;
    std::string failure;
    try {
      result = measure_point(job_.work(i), data, shared, programmed, quiet_);
    } catch (const ConfigError& error) {
      failure = error.what();
    } catch (const ShapeError& error) {
      failure = error.what();
    } catch (const FileError& error) {
      failure = error.what();
    } catch (const std::bad_alloc&) {
      failure = "not enough memory";
    }
    if (!result) return tell_failed(i, failure);
    try {
      write_point(job_.folder.file(job_.points[i].digest), job_.points[i].digest, *result);
    } catch (const FileError& error) {
      throw FileError(error.what() +
                      std::string("; points that are done are kept: the same command goes on"));
    }
    tell_done(i, *result, true);
  }

  void tell_failed(std::size_t i, const std::string& message) {
    job_.folder.mark_failed(job_.points[i].digest, message);
    const std::lock_guard guard(mutex_);
    ++failed_;
    job_.console.say("failed: point {} ({}): {}\n", i, job_.points[i].words, message);
    advance();
  }

  void tell_done(std::size_t i, const PointResult& result, bool is_new) {
    const double mean = mean_of(result.accuracy);
    const std::lock_guard guard(mutex_);
    ++done_;
    if (!best_ || mean > best_->second) best_ = {i, mean};
    if (!is_new) return;
    if (!progress_->is_visible())
      job_.console.say("{} of {}: {}: {} %\n", done_ + failed_, mine_.size(), job_.points[i].words,
                       per_cent(mean));
    advance();
  }

  void advance() {
    std::string note = fmt::format("{} done", done_);
    if (failed_ > 0) note += fmt::format(", {} failed", failed_);
    if (best_)
      note += fmt::format(", best {} % at {}", per_cent(best_->second),
                          job_.points[best_->first].words);
    progress_->advance(1, note);
  }

  const PointJob& job_;
  const FolderLock& lock_;
  std::vector<std::size_t> mine_;
  Console quiet_;
  std::optional<Progress> progress_;
  std::mutex mutex_;
  std::vector<std::size_t> elsewhere_;
  std::size_t done_ = 0, failed_ = 0;
  std::optional<std::pair<std::size_t, double>> best_;
  std::atomic<bool> stopped_ = false;
};

/// One point per digest, in the order of their numbers.
std::vector<std::size_t> distinct(const std::vector<PointPlan>& points) {
  std::set<std::string> seen;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (seen.insert(points[i].digest).second) out.push_back(i);
  return out;
}

}  // namespace

std::vector<std::size_t> points_of(const PointJob& job) {
  std::vector<std::size_t> mine;
  for (const std::size_t i : distinct(job.points))
    if (job.shard.has(i) && job.range.has(i)) mine.push_back(i);
  std::map<std::string, std::size_t> order;  // of first appearance
  for (const std::size_t i : mine) {
    order.emplace(job.points[i].network, order.size());
    order.emplace(job.points[i].cells, order.size());
  }
  std::stable_sort(mine.begin(), mine.end(), [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      return std::pair(order[job.points[i].network], order[job.points[i].cells]);
    };
    return key(a) < key(b);
  });
  return mine;
}

bool is_narrow(const Experiment& e, const std::vector<double>& accuracy) {
  const SweepUntil& until = e.sweep.until;
  if (!until.accuracy_ci_points) return true;
  if (static_cast<std::int64_t>(accuracy.size()) < until.least_chips) return false;
  const RandomStream stream(static_cast<std::uint64_t>(e.run.seed));
  return is_mean_known(accuracy, *until.accuracy_ci_points / 100, stream, kUntilInterval);
}

PointTally run_points(const PointJob& job, const FolderLock& lock) {
  return Runner(job, lock, points_of(job)).run();
}

PointsState points_state(const std::vector<PointPlan>& points, const PointFolder& folder,
                         const std::function<void(const PointPlan&, const PointResult&)>& done) {
  PointsState state;
  for (const std::size_t i : distinct(points)) {
    const std::string& digest = points[i].digest;
    const PointFolder::Look found = folder.look(digest);
    if (!found.damage.empty()) state.damage.push_back(found.damage);
    if (found.result) {
      ++state.done;
      if (done) done(points[i], *found.result);
    } else if (folder.is_claimed(digest))
      ++state.running;
    else if (folder.failure(digest))
      ++state.failed;
    else
      ++state.waiting;
  }
  return state;
}

}  // namespace ohmic::lab
