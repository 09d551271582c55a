#include "cli/point_command.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "base/interrupt.h"
#include "base/progress.h"
#include "base/statistics.h"
#include "cli/program.h"
#include "cli/session.h"
#include "io/whole_file.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/key_notes.h"
#include "lab/results/work_folder.h"
#include "lab/study/dry_run.h"
#include "lab/sweep/engine.h"

namespace ohmic::lab {
namespace {

enum class Holds { nothing, this_work, cut_short };

/// What DIR holds: nothing of points, this work, or this work as a power cut left it. ConfigError
/// where it is another one.
Holds look_at(const std::filesystem::path& folder, const PointCommand& command,
              const std::string& table) {
  const std::filesystem::path config = folder / "config.toml", list = folder / "points.csv";
  if (!std::filesystem::exists(config)) return Holds::nothing;
  const char* advice = "; choose another folder with -o, or replace it with --force";
  const std::string found = read_whole_file(config),
                    listed = std::filesystem::exists(list) ? read_whole_file(list) : table;
  if (!command.identity.config.starts_with(found))
    throw ConfigError(config.string() + " is that of another " + command.noun + advice);
  if (!table.starts_with(listed))
    throw ConfigError(list.string() +
                      " lists points of another data set, other files or another version of Ohmic" +
                      advice);
  return found == command.identity.config && listed == table ? Holds::this_work : Holds::cut_short;
}

/// Writes in DIR what it holds, the config first, then its points; the first process does.
void write_question(const std::filesystem::path& place, const PointCommand& command,
                    const std::string& table, Holds holds) {
  if (holds == Holds::cut_short) {
    write_whole_file(place / "config.toml", command.identity.config);
    write_whole_file(place / "points.csv", table);
  } else if (holds == Holds::nothing &&
             !create_exclusively(place / "config.toml", command.identity.config)) {
    look_at(place, command, table);
  }
  if (!std::filesystem::exists(place / "points.csv")) write_whole_file(place / "points.csv", table);
}

/// What this process's part of the points is called among the folder's locks.
std::string share_name(const Shard& shard, const PointOptions& own) {
  std::string name = shard.count > 1 ? fmt::format("shard-{}-of-{}", shard.index, shard.count) : "";
  if (!shard.free_task.empty()) name = "task-" + shard.free_task + (name.empty() ? "" : "-") + name;
  if (!own.points.empty()) name += (name.empty() ? "points-" : "-points-") + own.points;
  return name;
}

void tell_share(const Shard& shard, const Console& console) {
  if (!shard.free_task.empty())
    console.say(
        "array task {}: the list of tasks has gaps, so its numbers define no shares; this task "
        "takes "
        "whatever points are free\n",
        shard.free_task);
  if (shard.count > 1)
    console.say("shard {} of {}{}\n", shard.index, shard.count,
                shard.source.empty() ? "" : " (" + shard.source + ")");
}

/// ConfigError where a command that measures no points works in the folder.
void refuse_if_held(const std::filesystem::path& place) {
  if (const auto owner = living_owner(work_lock(place)))
    throw ConfigError(place.string() + ": another command in this folder is being run by " +
                      owner->words() + "; wait for it, or choose another folder with -o");
}

/// Whether `file` has every point of this work. One of another (that --force replaces) or a
/// damaged one has not.
bool is_whole(const std::filesystem::path& file, const ResultsIdentity& identity) {
  if (!holds_results(file, identity)) return false;
  const h5::Reader in(file);
  if (!in.has("/status")) return true;
  const std::vector<std::int64_t> status = in.integers("/status").values;
  return std::all_of(status.begin(), status.end(), [](std::int64_t s) { return s == 0; });
}

/// What is to be replaced goes aside until the new results are there.
void put_points_aside(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder / "points.old", ignored);
  std::filesystem::rename(folder / "points", folder / "points.old", ignored);
  std::filesystem::remove_all(folder / "trainings", ignored);
  for (const char* name : {"config.toml", "points.csv"})
    std::filesystem::remove(folder / name, ignored);
}

int print_dry_run(const PointCommand& command, const std::vector<std::size_t>& mine,
                  const CommonOptions& options, const PointFolder& files, const Console& console) {
  const std::vector<PointPlan>& all = command.plans;
  const std::filesystem::path& folder = files.folder();
  std::vector<std::size_t> points;  // that are still to be measured
  std::size_t damaged = 0;
  for (const std::size_t i : mine) {
    const PointFolder::Look found = files.look(all[i].digest);
    damaged += !found.damage.empty();
    if (!found.result) points.push_back(i);
  }
  constexpr std::size_t kMostLines = 50;
  for (std::size_t at = 0; at < std::min(points.size(), kMostLines); ++at)
    console.print("{:>6}  {}\n", points[at], all[points[at]].words);
  if (points.size() > kMostLines) console.print("   ...  {} more\n", points.size() - kMostLines);
  std::map<std::string, std::size_t> trainings;  // and the first point that needs each
  for (const std::size_t i : points) trainings.emplace(all[i].training, i);
  double training = 0, chips = 0, bytes = 0, memory = 0;
  std::size_t there = 0;
  for (const auto& [name, i] : trainings) {
    const PointWork work = command.work(i);
    const Experiment& e = work.training();
    const nn::Data& set = command.data.of(e);
    const bool is_there = has_trained_base({.experiment = e,
                                            .data = set,
                                            .use_cache = !options.no_cache,
                                            .folder = folder / "trainings",
                                            .console = console,
                                            .names_by_digest = true,
                                            .shares_folder = true},
                                           e.methods.parse(e.run.method));
    there += is_there;
    const WorkEstimate estimate =
        estimate_work(e, described_network(e, set.shape(), set.classes()), set, is_there);
    training += estimate.training_seconds;
    memory = std::max(memory, estimate.memory_bytes);
    if (options.no_cache) bytes += estimate.disk_bytes;  // they are kept in the folder
  }
  std::map<std::string, double> seconds;  // per network
  for (const std::size_t i : points) {
    const auto [known, is_new] = seconds.emplace(all[i].network, 0);
    const PointWork work = command.work(i);
    const Experiment& e = work.measured;
    const nn::Data& set = command.data.of(e);
    if (is_new)
      known->second = estimate_work(e, described_network(e, set.shape(), set.classes()), set, true)
                          .chip_seconds;
    chips += known->second * static_cast<double>(e.run.chips);
    // Three numbers per chip and, measured, 13 kB around them.
    bytes += 13e3 + 24.0 * static_cast<double>(e.run.chips);
  }
  console.print("\n{}{}, {} ({} there already)\n", count_of(points.size(), "point"),
                mine.size() > points.size()
                    ? fmt::format(" to measure of {}", count_of(mine.size(), "point"))
                    : "",
                count_of(trainings.size(), "training"), there);
  if (damaged > 0)
    console.print("{} to be put aside and measured again\n",
                  count_of(damaged, "damaged point file"));
  print_work(console, folder.string(), training, chips, memory, bytes);
  return 0;
}

/// All points as results, under the folder's lock. Twice gives the same files.
int merge(const PointCommand& command, const PointFolder& folder, const PointOptions& own,
          const Provenance& provenance, const Console& console) {
  std::unique_ptr<FolderLock> lock;
  while (!(lock = FolderLock::take(folder.lock_file("merge")))) {
    stop_if_interrupted("interrupted while another process merged; points are kept");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::vector<PointPlan>& plans = command.plans;
  const GatheredPoints results = gather_points(plans, folder, own.mixed);
  for (const std::string& file : results.quarantined)
    console.say("a damaged point file was put aside as {}\n", file);
  const bool is_all = results.count(0) == plans.size(), makes = is_all || command.takes_some;
  if (makes) command.write(folder.folder(), results, provenance);
  std::error_code ignored;
  std::filesystem::remove_all(folder.folder() / "points.old", ignored);
  // Nobody but this process and the merge itself: what killed processes left can go.
  if (results.count(2) == 0 && folder.owners().size() <= 2) folder.sweep_up();
  if (results.count(1) > 0) console.print("\n");
  std::size_t told = 0;
  for (std::size_t i = 0; i < plans.size(); ++i)
    if (results.status[i] == 1 && told++ < 10)
      console.print("failed: point {} ({}): {}", i, plans[i].words,
                    folder.failure(plans[i].digest).value_or("\n"));
  console.print("\n{} done, {} failed, {} missing; {} {}\n", count_of(results.count(0), "point"),
                results.count(1), results.count(2),
                makes ? "results in" : "no results before all are there:",
                (folder.folder() / "results.h5").string());
  return is_all ? kDone : kSomeFailed;
}

/// What is to be done in the folder, as far as it can be told before anything is written.
struct PointQuestion {
  std::string table;  ///< of the points
  Holds holds = Holds::nothing;
  bool is_alone = true;  ///< this process has all points
};

PointQuestion question_of(const PointCommand& command, const PointJob& job,
                          const CommonOptions& options, const PointOptions& own) {
  const std::filesystem::path& place = job.folder.folder();
  PointQuestion question{.table = points_table(command.values, command.plans),
                         .is_alone = !job.shard.is_one_of_many() && own.points.empty()};
  if (options.force && !question.is_alone)
    throw ConfigError("--force replaces a whole " + command.noun +
                      "; it goes with neither --shard nor --points");
  if (options.force) return question;
  question.holds = look_at(place, command, question.table);
  if (question.holds != Holds::this_work)
    check_existing(place / "results.h5", command.identity, false);
  if (own.merge && question.holds == Holds::nothing)
    throw ConfigError(place.string() + ": there are no points to merge yet");
  return question;
}

/// Makes room in the folder, which says from then on what it holds. Returns the lock of this
/// process's part; none where it only merges.
std::unique_ptr<FolderLock> begin_points(const PointCommand& command, const PointJob& job,
                                         const PointQuestion& question,
                                         const CommonOptions& options, const PointOptions& own) {
  const PointFolder& folder = job.folder;
  const std::filesystem::path &place = folder.folder(), results = place / "results.h5";
  const Console& console = job.console;
  refuse_if_held(place);
  if (options.force) {
    if (const auto owners = folder.owners(); !owners.empty())
      throw ConfigError("--force: " + place.string() + " is being worked on by " +
                        owners.front().second.words());
    put_points_aside(place);
  }
  folder.make();
  command.data.keep();
  const std::string name = question.is_alone ? "all" : share_name(job.shard, own);
  std::unique_ptr<FolderLock> lock;
  if (!own.merge)
    lock =
        take_lock(folder.lock_file(name), place, question.is_alone ? "this " + command.noun : name,
                  "wait for it, or take another part with --shard or --points", console);
  folder.drop_dead_locks();
  refuse_if_held(place);  // of two that start at once at least one sees the other
  std::vector<std::vector<std::string>> notes;
  for (const PointPlan& point : command.plans) notes.push_back(point.notes);
  tell(common_notes(notes), console);
  if (question.holds != Holds::this_work && !options.force && std::filesystem::exists(results) &&
      h5::condition_of(results) == h5::Condition::damaged)
    put_aside(results, console);
  tell_unsealed(command.base, console);
  write_question(place, command, question.table, question.holds);
  tell_share(job.shard, console);
  return lock;
}

}  // namespace

void add_point_options(CLI::App& app, PointOptions& own) {
  app.add_option("--shard", own.shard,
                 "i/n: every n-th point, from the i-th (0 .. n-1); default: what Slurm or an MPI "
                 "launcher says; none: all points");
  app.add_option("--points", own.points, "a..b: only these points");
  app.add_flag("--merge", own.merge, "write the results of the points that are there");
  app.add_option("--status", own.status, "DIR: how the work there stands");
  app.add_flag("--mix-instruction-sets", own.mixed, "merge points whose last digits may differ");
}

DataNeeds data_needs(const CommonOptions& options, const Experiment& base,
                     const std::string& name) {
  const bool has_points =
      std::filesystem::exists(output_folder(options, base, name) / "points.csv");
  return {.images = !options.dry_run,
          .digests = !options.dry_run || has_points,
          .use_cache = !options.no_cache};
}

int print_points_status(const std::filesystem::path& folder, const Console& console) {
  const std::filesystem::path list = folder / "points.csv";
  check_readable(list);
  std::vector<PointPlan> points = listed_points(read_whole_file(list));
  const PointFolder files(folder);
  std::optional<double> best;
  std::string best_words;
  std::vector<std::filesystem::file_time_type> times;
  const PointsState state =
      points_state(points, files, [&](const PointPlan& point, const PointResult& result) {
        times.push_back(std::filesystem::last_write_time(files.file(point.digest)));
        const double mean = mean_of(result.accuracy);
        if (best && mean <= *best) return;
        best = mean;
        best_words = point.words;
      });
  console.print(
      "{}: {} of {} points done, {} running, {} failed, {} waiting{}\n", folder.string(),
      state.done, state.all(), state.running, state.failed, state.waiting,
      state.damage.empty() ? "" : fmt::format(" ({} with a damaged file)", state.damage.size()));
  for (const std::string& damage : state.damage) console.print("damaged   {}\n", damage);
  for (const PointPlan& point : points)
    if (const auto message = files.failure(point.digest))
      console.print("failed    {}: {}", point.words, *message);
  if (best) console.print("best      {} % at {}\n", per_cent(*best), best_words);
  for (const auto& [name, owner] : files.owners())
    console.print("working   {} ({})\n", owner.words(), name);
  std::sort(times.begin(), times.end());
  const std::size_t left = state.running + state.waiting;
  // The middle one of the last times between points: a night between two runs does not count.
  std::vector<double> gaps;
  for (std::size_t i = times.size() > 20 ? times.size() - 20 : 1; i < times.size(); ++i)
    gaps.push_back(std::chrono::duration<double>(times[i] - times[i - 1]).count());
  if (left > 0 && state.running > 0 && !gaps.empty())
    console.print("left      about {}\n",
                  human_time(quantile(gaps, 0.5) * static_cast<double>(left)));
  return 0;
}

int run_point_command(const PointCommand& command, const CommonOptions& options,
                      const PointOptions& own, const Console& console) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<PointPlan>& points = command.plans;
  const PointFolder folder(output_folder(options, command.base, command.name));
  const PointJob job{
      .name = command.name,
      .points = points,
      .work = command.work,
      .data = command.data,
      .folder = folder,
      .shard = shard_of(own.shard, [](const char* name) { return std::getenv(name); }),
      .range = range_of(own.points, points.size()),
      .use_cache = !options.no_cache,
      .console = console};
  const PointQuestion question = question_of(command, job, options, own);
  if (options.dry_run) return print_dry_run(command, points_of(job), options, folder, console);
  const OutputFolder made(folder.folder());
  const InterruptWatch watch;
  const std::unique_ptr<FolderLock> lock = begin_points(command, job, question, options, own);
  const std::filesystem::path results = folder.folder() / "results.h5";
  PointTally tally;
  if (!own.merge) tally = run_points(job, *lock);
  const PointsState state = points_state(points, folder);
  if (!own.merge && state.running + state.waiting > 0) {
    console.print(
        "{} of {} points done, {} running elsewhere, {} waiting for others; whichever ends "
        "last merges them (or `--merge`)\n",
        state.done, state.all(), state.running, state.waiting);
    return tally.failed > 0 ? kSomeFailed : kDone;
  }
  if (!own.merge && tally.tried == 0 && is_whole(results, command.identity)) {
    if (folder.owners().size() <= 1) folder.sweep_up();
    console.print("{} is done already (the same config); --force runs it again\n",
                  results.string());
    return kDone;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return merge(command, folder, own, {.command = options.command_line, .wall_seconds = seconds},
               console);
}

}  // namespace ohmic::lab
