#include "lab/sweep/shard.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.h"

namespace ohmic::lab {
namespace {

std::optional<std::size_t> whole(std::string_view text) {
  std::size_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

/// Variables that give this process's number among several.
struct Launcher {
  const char *rank, *size, *first;  ///< first: the lowest number; null: 0
};
constexpr Launcher kArray{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"};
// An MPI launcher's numbers first: daemons that mpirun starts through srun hand theirs of Slurm on.
// SLURM_NTASKS is set in a batch script that runs once, too; a step's own number is not.
constexpr Launcher kSteps[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr},
                               {"PMI_RANK", "PMI_SIZE", nullptr},
                               {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr}};

std::optional<Shard> shard_from(const Launcher& launcher, const Environment& environment) {
  const char *rank = environment(launcher.rank), *size = environment(launcher.size);
  if (!rank || !size) return std::nullopt;
  const char* first = launcher.first ? environment(launcher.first) : nullptr;
  const auto index = whole(rank), count = whole(size), lowest = whole(first ? first : "0");
  const std::string words = fmt::format("{}={}, {}={}", launcher.rank, rank, launcher.size, size);
  if (!index || !count || !lowest || *index < *lowest || *index - *lowest >= *count)
    throw ConfigError(words + (first ? fmt::format(", {}={}", launcher.first, first) : "") +
                      ": no part of a sweep (array tasks are numbered in steps of 1); say --shard "
                      "i/n, or --shard none");
  return Shard{*index - *lowest, *count, words};
}

/// The task of an array that is not every number from the first to the last: one that was submitted
/// again for the tasks that failed, or in steps. "" for other arrays, and without one.
std::string gapped_task(const Environment& environment) {
  const auto number = [&](const char* name) -> std::optional<std::size_t> {
    const char* text = environment(name);
    return text ? whole(text) : std::nullopt;
  };
  const auto task = number("SLURM_ARRAY_TASK_ID"), first = number("SLURM_ARRAY_TASK_MIN"),
             last = number("SLURM_ARRAY_TASK_MAX"), count = number("SLURM_ARRAY_TASK_COUNT");
  if (!task || !first || !last || !count || *task < *first || *task > *last) return "";
  return *last - *first + 1 == *count ? "" : std::to_string(*task);
}

}  // namespace

Shard shard_of(const std::string& option, const Environment& environment) {
  if (option == "none") return {};
  if (!option.empty()) {
    const std::size_t slash = option.find('/');
    const auto index = whole(std::string_view(option).substr(0, slash));
    const auto count =
        slash == option.npos ? std::nullopt : whole(std::string_view(option).substr(slash + 1));
    if (!index || !count || *index >= *count)
      throw ConfigError("--shard " + option + ": expected i/n with i from 0 to n - 1, or none");
    return {*index, *count, ""};
  }
  Shard shard;
  shard.free_task = gapped_task(environment);
  if (!shard.free_task.empty())
    shard.source = "SLURM_ARRAY_TASK_ID=" + shard.free_task;
  else if (const auto array = shard_from(kArray, environment))
    shard = *array;
  for (const Launcher& launcher : kSteps)
    if (const auto step = shard_from(launcher, environment)) {
      if (step->count == 1) continue;
      return {shard.index * step->count + step->index, shard.count * step->count,
              shard.source + (shard.source.empty() ? "" : ", ") + step->source, shard.free_task};
    }
  return shard.is_one_of_many() ? shard : Shard{};
}

PointRange range_of(const std::string& option, std::size_t count) {
  if (option.empty()) return {0, count - 1};
  const std::size_t dots = option.find("..");
  const auto first = whole(std::string_view(option).substr(0, dots));
  const auto last = dots == option.npos ? first : whole(std::string_view(option).substr(dots + 2));
  if (!first || !last || *first > *last || *last >= count)
    throw ConfigError(fmt::format("--points {}: expected a..b within 0..{}", option, count - 1));
  return {*first, *last};
}

}  // namespace ohmic::lab
