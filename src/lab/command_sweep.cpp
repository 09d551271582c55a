#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <thread>

#include "base/digest.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/statistics.h"
#include "lab/command.h"
#include "lab/dry_run.h"
#include "lab/interrupt.h"
#include "lab/key_notes.h"
#include "lab/method_run.h"
#include "lab/program.h"
#include "lab/session.h"
#include "lab/sweep/results.h"
#include "lab/sweep/sweep.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Measures a network on chips at every point of axes over any config keys: [sweep] axes, a grid or a sample. Every point is a
file in DIR/points; the same command goes on where it was stopped, killed or out of disk, and runs failed points again. What
points share (trainings, programmed cells) is done once. When all points are there they become DIR/results.h5.

Example:
  ohmic sweep data/experiments/sweep_fashion.toml -o fashion_sweep
  ohmic report fashion_sweep

On a cluster, array tasks and MPI ranks take their share by themselves (docs/cluster.md); two machines without either:
  ohmic sweep CONFIG -o /shared/DIR --shard 0/2        (and 1/2 on the other)
  ohmic sweep --status /shared/DIR
)";

struct SweepOptions {
  std::string shard, points;
  std::filesystem::path status;
  bool merge = false, mixed = false;
};

std::string count_of(std::size_t n, const char* what) {
  return fmt::format("{} {}{}", grouped(static_cast<std::int64_t>(n)), what, n == 1 ? "" : "s");
}

/// --set of a key that an axis changes, or of one within the table that it replaces.
void check_settings(const CommonOptions& options, const Experiment& base) {
  const auto plain = [](std::string key) {
    std::erase_if(key, [](char c) { return c == ' ' || c == '\t' || c == '"'; });
    return key;
  };
  for (const std::string& setting : options.settings) {
    const std::string key = plain(setting.substr(0, setting.find('=')));
    for (const Axis& axis : base.sweep.axes)
      for (const AxisKey& varied : axis.keys)
        if (key == plain(varied.key) || key.starts_with(plain(varied.key) + "."))
          throw ConfigError("--set " + setting + ": " + varied.key +
                            " is an axis of the sweep; leave it out, or set sweep.axes");
  }
}

/// What the files of a sweep are about: another config, data set or version is another sweep.
ResultsIdentity sweep_identity(const Experiment& base, const std::vector<SweepPoint>& points) {
  std::string digests;
  for (const SweepPoint& point : points) digests += point.digest + "\n";
  // Of the data set and files of every point, too: they are in the points' digests.
  const std::string config = resolved_config(base, "sweep");
  return {"sweep", config, digest(config + digests)};
}

/// Whether DIR holds this sweep, nothing, or (ConfigError) another one.
bool holds_this(const std::filesystem::path& folder, const ResultsIdentity& identity,
                const std::string& table) {
  const std::filesystem::path config = folder / "config.toml", list = folder / "points.csv";
  if (!std::filesystem::exists(config)) return false;
  const char* advice = "; choose another folder with -o, or replace it with --force";
  if (read_whole_file(config) != identity.config)
    throw ConfigError(config.string() + " is that of another sweep" + advice);
  if (std::filesystem::exists(list) && read_whole_file(list) != table)
    throw ConfigError(list.string() +
                      " lists points of another data set, other files or another version of Ohmic" +
                      advice);
  return true;
}

/// Whether `file` has every point of this sweep. One of another sweep (that --force replaces) or a
/// damaged one has not.
bool is_whole(const std::filesystem::path& file, const ResultsIdentity& identity) {
  if (!holds_results(file, identity)) return false;
  const std::vector<std::int64_t> status = h5::Reader(file).integers("/status").values;
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

int print_dry_run(const Experiment& base, const SweepGrid& grid, const std::vector<SweepPoint>& all,
                  const std::vector<std::size_t>& mine, DataSets& data,
                  const CommonOptions& options, const PointFolder& files, const Console& console) {
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
    const Experiment e = point_experiment(base, grid, i);
    const nn::Data& set = data.of(e);
    const bool is_there = has_trained_base({.experiment = e,
                                            .data = set,
                                            .options = e.methods,
                                            .use_cache = !options.no_cache,
                                            .folder = folder / "trainings",
                                            .console = console,
                                            .names_by_digest = true,
                                            .shares_folder = true},
                                           parse_method(e.run.method));
    there += is_there;
    const WorkEstimate work =
        estimate_work(e, described_network(e, set.shape(), set.classes()), set, is_there);
    training += work.training_seconds;
    memory = std::max(memory, work.memory_bytes);
  }
  std::map<std::string, double> seconds;  // a network
  for (const std::size_t i : points) {
    const auto [known, is_new] = seconds.emplace(all[i].network, 0);
    const Experiment e = point_experiment(base, grid, i);
    const nn::Data& set = data.of(e);
    if (is_new)
      known->second = estimate_work(e, described_network(e, set.shape(), set.classes()), set, true)
                          .chip_seconds;
    chips += known->second * static_cast<double>(e.run.chips);
    // Three numbers a chip and, measured, 13 kB around them.
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

/// Digests and words of the points in points.csv.
std::vector<SweepPoint> listed_points(const std::string& table) {
  const auto cells = [](const std::string& line) {
    std::vector<std::string> out(1);
    bool is_quoted = false;
    for (const char c : line)
      if (c == '"')
        is_quoted = !is_quoted;
      else if (c == ',' && !is_quoted)
        out.emplace_back();
      else
        out.back() += c;
    return out;
  };
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> keys = cells(line);
  std::vector<SweepPoint> points;
  while (std::getline(lines, line)) {
    const std::vector<std::string> row = cells(line);
    SweepPoint point;
    for (std::size_t k = 2; k < std::min(row.size(), keys.size()); ++k)
      point.words += (k > 2 ? ", " : "") + keys[k] + " " + row[k];
    if (row.size() > 1) point.digest = row[1];
    points.push_back(std::move(point));
  }
  return points;
}

/// How a sweep stands that runs, or ran, in `folder`.
int print_status(const std::filesystem::path& folder, const Console& console) {
  const std::filesystem::path list = folder / "points.csv";
  check_readable(list);
  std::vector<SweepPoint> points = listed_points(read_whole_file(list));
  const PointFolder files(folder);
  const SweepState state = sweep_state(points, files);
  console.print(
      "{}: {} of {} points done, {} running, {} failed, {} waiting{}\n", folder.string(),
      state.done, state.all(), state.running, state.failed, state.waiting,
      state.damage.empty() ? "" : fmt::format(" ({} with a damaged file)", state.damage.size()));
  for (const std::string& damage : state.damage) console.print("damaged   {}\n", damage);
  std::optional<double> best;
  std::string best_words;
  std::vector<std::filesystem::file_time_type> times;
  for (const SweepPoint& point : points) {
    if (const auto message = files.failure(point.digest))
      console.print("failed    {}: {}", point.words, *message);
    const std::optional<PointResult> result = files.look(point.digest).result;
    if (!result) continue;
    times.push_back(std::filesystem::last_write_time(files.file(point.digest)));
    const double mean = mean_accuracy(*result);
    if (!best || mean > *best) {
      best = mean;
      best_words = point.words;
    }
  }
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

/// Points whose chips ran out before their interval was narrow.
std::size_t wide_points(const Experiment& base, const SweepGrid& grid,
                        const SweepResults& results) {
  if (!base.sweep.until.accuracy_ci_points) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < grid.points.size(); ++i)
    if (results.points[i] &&
        !is_narrow(point_experiment(base, grid, i), results.points[i]->accuracy))
      ++count;
  return count;
}

/// All points as results.h5, under the folder's lock. Twice gives the same file.
int merge(const Experiment& base, const SweepGrid& grid, const std::vector<SweepPoint>& points,
          const PointFolder& folder, const ResultsIdentity& identity, const SweepOptions& own,
          const Provenance& provenance, const Console& console) {
  std::unique_ptr<FolderLock> lock;
  while (!(lock = FolderLock::take(folder.lock_file("merge")))) {
    stop_if_interrupted("interrupted while another process merged; points are kept");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const SweepResults results = gather_points(points, folder, own.mixed);
  for (const std::string& file : results.quarantined)
    console.say("a damaged point file was put aside as {}\n", file);
  const std::filesystem::path file = folder.folder() / "results.h5";
  write_sweep(file, base, grid, results, identity, provenance);
  std::error_code ignored;
  std::filesystem::remove_all(folder.folder() / "points.old", ignored);
  // Nobody but this process and the merge itself: what killed processes left can go.
  if (results.count(2) == 0 && folder.owners().size() <= 2) folder.sweep_up();
  console.print("{}", best_points(base, points, results, 10));
  if (results.count(1) > 0) console.print("\n");
  std::size_t told = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (results.status[i] == 1 && told++ < 10)
      console.print("failed: point {} ({}): {}", i, points[i].words,
                    folder.failure(points[i].digest).value_or("\n"));
  if (const std::size_t wide = wide_points(base, grid, results); wide > 0)
    console.print("{} had no more chips before the interval was as narrow as sweep.until asks\n",
                  count_of(wide, "point"));
  console.print("\n{} done, {} failed, {} missing; results in {}\n",
                count_of(results.count(0), "point"), results.count(1), results.count(2),
                file.string());
  return results.count(0) == points.size() ? kDone : kSomeFailed;
}

int sweep(const CommonOptions& options, const SweepOptions& own, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  if (!own.status.empty()) return print_status(own.status, console);
  if (options.config.empty())
    throw ConfigError("sweep needs a config, or --status DIR; see `ohmic sweep --help`");
  const Experiment base = read_experiment(options, {}, "sweep");
  apply_common_options(options, base.run);
  check_settings(options, base);
  const SweepGrid grid = sweep_grid(base);
  const Shard shard = shard_of(own.shard, [](const char* name) { return std::getenv(name); });
  const PointRange range = range_of(own.points, grid.points.size());
  DataSets data;
  const std::vector<SweepPoint> points = check_points(base, grid, data);
  const PointFolder folder(output_folder(options, base, "sweep"));
  const std::filesystem::path& place = folder.folder();
  const ResultsIdentity identity = sweep_identity(base, points);
  const std::string table = points_table(grid, points);
  const bool is_alone = !shard.is_one_of_many() && own.points.empty();
  if (options.force && !is_alone)
    throw ConfigError("--force replaces a whole sweep; it goes with neither --shard nor --points");
  const bool is_known = !options.force && holds_this(place, identity, table);
  if (!options.force && !is_known) check_existing(place / "results.h5", identity, false);
  if (own.merge && !is_known)
    throw ConfigError(place.string() + ": there are no points to merge yet");
  const SweepJob job{.base = base,
                     .grid = grid,
                     .points = points,
                     .data = data,
                     .folder = folder,
                     .shard = shard,
                     .range = range,
                     .use_cache = !options.no_cache,
                     .console = console};
  if (options.dry_run)
    return print_dry_run(base, grid, points, points_of(job), data, options, folder, console);
  const OutputFolder made(place);
  if (options.force) {
    if (const auto owners = folder.owners(); !owners.empty())
      throw ConfigError("--force: " + place.string() + " is being worked on by " +
                        owners.front().second.words());
    put_points_aside(place);
  }
  folder.make();
  std::vector<std::vector<std::string>> notes;
  for (const SweepPoint& point : points) notes.push_back(point.notes);
  tell(common_notes(notes), console);
  const InterruptWatch watch;
  std::string name = shard.count > 1 ? fmt::format("shard-{}-of-{}", shard.index, shard.count) : "";
  if (!shard.free_task.empty()) name = "task-" + shard.free_task + (name.empty() ? "" : "-") + name;
  if (!own.points.empty()) name += (name.empty() ? "points-" : "-points-") + own.points;
  if (is_alone) name = "all";
  std::unique_ptr<FolderLock> lock;
  if (!own.merge)
    lock = take_lock(folder.lock_file(name), place, is_alone ? "this sweep" : name,
                     "wait for it, or take another part with --shard or --points", console);
  folder.drop_dead_locks();
  if (const auto owner = living_owner(work_lock(place)))
    throw ConfigError(place.string() + ": another command in this folder is being run by " +
                      owner->words() + "; wait for it, or choose another folder with -o");
  if (!is_known && !options.force && std::filesystem::exists(place / "results.h5") &&
      h5::condition_of(place / "results.h5") == h5::Condition::damaged)
    put_aside(place / "results.h5", console);
  tell_unsealed(base, console);
  // Whoever comes first says what the folder holds; the config first, then its points.
  if (!is_known && !create_exclusively(place / "config.toml", identity.config))
    holds_this(place, identity, table);
  if (!std::filesystem::exists(place / "points.csv")) write_whole_file(place / "points.csv", table);
  if (!shard.free_task.empty())
    console.say(
        "array task {}: the list of tasks has gaps, so its numbers name no shares; this task takes "
        "whatever points are free\n",
        shard.free_task);
  if (shard.count > 1)
    console.say("shard {} of {}{}\n", shard.index, shard.count,
                shard.source.empty() ? "" : " (" + shard.source + ")");
  const std::filesystem::path results = place / "results.h5";
  SweepTally tally;
  if (!own.merge) tally = run_points(job, *lock);
  const SweepState state = sweep_state(points, folder);
  if (!own.merge && state.running + state.waiting > 0) {
    console.print(
        "{} of {} points done, {} running elsewhere, {} waiting for others; whoever ends "
        "last merges them (or `--merge`)\n",
        state.done, state.all(), state.running, state.waiting);
    return tally.failed > 0 ? kSomeFailed : kDone;
  }
  if (!own.merge && tally.tried == 0 && is_whole(results, identity)) {
    console.print("{} is done already (the same config); --force runs it again\n",
                  results.string());
    return kDone;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return merge(base, grid, points, folder, identity, own,
               {.command = options.command_line, .wall_seconds = seconds}, console);
}

}  // namespace

void add_sweep_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command =
      app.add_subcommand("sweep", "measure at every point of axes over config keys");
  command->footer(kHelp);
  add_common_options(*command, options, false);
  const auto own = std::make_shared<SweepOptions>();
  command->add_option("--shard", own->shard,
                      "i/n: every n-th point, from the i-th (0 .. n-1); default: what Slurm or an "
                      "MPI launcher says; none: all points");
  command->add_option("--points", own->points, "a..b: only these points");
  command->add_flag("--merge", own->merge, "write results.h5 of the points that are there");
  command->add_option("--status", own->status, "DIR: how the sweep there stands");
  command->add_flag("--mix-instruction-sets", own->mixed,
                    "merge points whose last digits may differ");
  command->callback([&options, &action, own] {
    action = [&options, own](Console& console) { return sweep(options, *own, console); };
  });
}

}  // namespace ohmic::lab
