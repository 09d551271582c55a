#include "lab/results/folder_lock.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/host.h"
#include "base/interrupt.h"
#include "io/whole_file.h"

namespace ohmic::lab {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, int error_number) {
  throw FileError(file.string() + ": cannot be written (" + std::strerror(error_number) + ")");
}

std::string first_line(const char* file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Start of a process since boot, in clock ticks; "" where there is none that still runs.
std::string start_of(const std::string& process) {
  std::string line = first_line(("/proc/" + process + "/stat").c_str());
  const std::size_t behind_name = line.rfind(')');
  if (behind_name == line.npos) return "";
  std::istringstream words(line.substr(behind_name + 1));
  std::string word;
  for (int field = 3; words >> word; ++field) {
    if (field == 3 && (word == "Z" || word == "X")) return "";
    if (field == 22) return word;
  }
  return "";
}

/// Boot of the host and process namespace: within them a number says which process it is.
std::string boot() { return first_line("/proc/sys/kernel/random/boot_id") + "/" + process_space(); }

std::string job_name() {
  std::string name;
  for (const char* variable : {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"})
    if (const char* value = std::getenv(variable); value && name.empty()) name = value;
  if (const char* task = std::getenv("SLURM_ARRAY_TASK_ID"); task && !name.empty())
    name += std::string("_") + task;
  return name;
}

LockOwner parsed(const std::string& contents) {
  LockOwner owner;
  owner.contents = contents;
  std::istringstream lines(contents);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    const std::string key = line.substr(0, space),
                      value = space == line.npos ? "" : line.substr(space + 1);
    if (key == "host") owner.host = value;
    if (key == "process") owner.process = value;
    if (key == "started") owner.started = value;
    if (key == "job") owner.job = value;
    if (key == "since") owner.since = value;
  }
  return owner;
}

/// What a file system without links offers: the file may be seen before its contents.
bool create_without_link(const fs::path& file, const std::string& contents, int& error_number) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    if (errno != EEXIST) error_number = errno;
    return false;
  }
  const ssize_t written = write(descriptor, contents.data(), contents.size());
  if (written != static_cast<ssize_t>(contents.size())) error_number = written < 0 ? errno : ENOSPC;
  if (close(descriptor) != 0 && error_number == 0) error_number = errno;
  if (error_number != 0) unlink(file.c_str());
  return error_number == 0;
}

double seconds_of(const timespec& time) {
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds since the last sign of life, by the clock of the file system; none if the file is gone.
std::optional<double> silence(const fs::path& file) {
  struct stat lock {
  }, now{};
  if (stat(file.c_str(), &lock) != 0) return std::nullopt;
  const fs::path probe = temporary_name(file);
  const int descriptor = open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return 0.0;
  const bool known = fstat(descriptor, &now) == 0;
  close(descriptor);
  unlink(probe.c_str());
  return known ? seconds_of(now.st_mtim) - seconds_of(lock.st_mtim) : 0.0;
}

bool is_alive(const LockOwner& owner, const fs::path& file) {
  if (owner.is_here()) return owner.started == boot() + " " + start_of(owner.process);
  const std::optional<double> silent = silence(file);
  return silent && *silent < kBeatSeconds * kMissedBeats;
}

}  // namespace

bool create_exclusively(const fs::path& file, const std::string& contents) {
  const fs::path temporary = temporary_name(file);
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(file, errno);
  const ssize_t written = write(descriptor, contents.data(), contents.size());
  int error_number = written == static_cast<ssize_t>(contents.size()) ? 0
                     : written < 0                                    ? errno
                                                                      : ENOSPC;
  if (close(descriptor) != 0 && error_number == 0) error_number = errno;
  // A link appears whole or not at all, on network file systems as well.
  bool is_new = false;
  if (error_number == 0 && link(temporary.c_str(), file.c_str()) == 0)
    is_new = true;
  else if (error_number == 0 && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS))
    is_new = create_without_link(file, contents, error_number);
  else if (error_number == 0 && errno != EEXIST)
    error_number = errno;
  unlink(temporary.c_str());
  if (error_number != 0) fail(file, error_number);
  return is_new;
}

bool remove_exactly(const fs::path& file, const std::string& contents) {
  if (read_if_there(file) != contents) return false;
  const fs::path aside = temporary_name(file);
  if (rename(file.c_str(), aside.c_str()) != 0) return false;
  const bool is_it = read_if_there(aside) == contents;
  // Somebody took it over in between: put back what is theirs.
  if (!is_it && link(aside.c_str(), file.c_str()) != 0 && errno != EEXIST) fail(file, errno);
  unlink(aside.c_str());
  return is_it;
}

bool LockOwner::is_here() const {
  return host == host_name() && started.starts_with(boot() + " ") && !process.empty();
}

std::string LockOwner::words() const {
  if (process.empty()) return "a process that has not said its name";
  return fmt::format("process {} on {}{}, since {}", process, host,
                     job.empty() ? "" : " (job " + job + ")", since);
}

std::optional<LockOwner> living_owner(const fs::path& file) {
  const std::optional<std::string> contents = read_if_there(file);
  if (!contents) return std::nullopt;
  LockOwner owner = parsed(*contents);
  if (!is_alive(owner, file)) return std::nullopt;
  return owner;
}

std::unique_ptr<FolderLock> FolderLock::take(const fs::path& file) {
  static std::atomic<int> count = 0;
  const std::string process = std::to_string(getpid());
  const std::string contents = fmt::format(
      "host {}\nprocess {}\nstarted {} {}\njob {}\nsince {:%Y-%m-%dT%H:%M:%SZ}\nholding {}\n",
      host_name(), process, boot(), start_of(process), job_name(),
      fmt::gmtime(std::chrono::system_clock::now()), ++count);
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    if (create_exclusively(file, contents))
      return std::unique_ptr<FolderLock>(new FolderLock(file, contents));
    const std::optional<std::string> seen = read_if_there(file);
    if (!seen) continue;  // let go in between
    if (is_alive(parsed(*seen), file)) return nullptr;
    remove_exactly(file, *seen);
  }
  return nullptr;
}

FolderLock::FolderLock(fs::path file, std::string contents)
    : file_(std::move(file)), contents_(std::move(contents)) {
  beats_ = std::thread([this] {
    std::unique_lock hold(mutex_);
    while (
        !wake_.wait_for(hold, std::chrono::duration<double>(kBeatSeconds), [&] { return ends_; }))
      utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
  });
}

FolderLock::~FolderLock() {
  {
    const std::lock_guard hold(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  beats_.join();
  try {
    remove_exactly(file_, contents_);
  } catch (const std::exception&) {
    // A file that cannot be read any more stays, and counts for nothing once this process is gone.
  }
}

std::unique_ptr<FolderLock> take_lock(const fs::path& file, const fs::path& place,
                                      const std::string& what, const std::string& advice,
                                      const Console& console) {
  std::optional<fs::file_time_type> seen;
  for (;;) {
    if (auto lock = FolderLock::take(file)) return lock;
    const auto owner = living_owner(file);
    if (!owner) continue;  // let go in between
    std::error_code gone;
    const auto beat = fs::last_write_time(file, gone);
    if (owner->is_here() || (seen && !gone && beat != *seen))
      throw ConfigError(place.string() + ": " + what + " is being run by " + owner->words() + "; " +
                        advice);
    if (!seen) {
      console.say("{} was being run by {}; waiting up to {} s for a sign of life\n", what,
                  owner->words(), kBeatSeconds * kMissedBeats);
      seen = beat;
    }
    stop_if_interrupted("interrupted while waiting for a lock; nothing was changed");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

std::vector<std::pair<std::string, LockOwner>> point_owners(const fs::path& folder) {
  std::vector<std::pair<std::string, LockOwner>> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder / "locks", failed))
    if (entry.path().extension() == ".lock")
      if (auto owner = living_owner(entry.path()))
        found.emplace_back(entry.path().stem().string(), std::move(*owner));
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return found;
}

}  // namespace ohmic::lab
