#include "io/h5_trial.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "io/h5.h"
#include "io/h5_handle.h"

namespace ohmic::h5 {
namespace {

/// Runs `read`, which may find what it likes.
template <class Read>
void try_to(Read read) {
  try {
    read();
  } catch (const std::exception&) {
  }
}

/// Everything that a Reader can be asked for, of every object. Links may lead in circles.
void read_all(const Reader& in, const std::string& path, int depth, int& left) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest || --left < 0) return;
  // First, as a Reader looks for the claim of a seal: where the list of a damaged object fails, a
  // look for one name before it can crash.
  try_to([&] { in.has_attribute(path, "schema_version"); });
  std::vector<std::string> attributes;
  try_to([&] { attributes = in.attributes(path); });
  for (const std::string& name : attributes) {
    try_to([&] { in.string_attribute(path, name); });
    try_to([&] { in.double_attribute(path, name); });
  }
  bool is_group = false;
  std::vector<std::string> children;
  try_to([&] {
    children = in.children(path);
    is_group = true;
  });
  if (!is_group) {
    try_to([&] { in.scan(path); });
    try_to([&] { in.strings(path); });
    try_to([&] { in.scales(path); });
    return;
  }
  for (const std::string& child : children)
    read_all(in, (path == "/" ? "" : path) + "/" + child, depth + 1, left);
}

[[noreturn]] void child(const std::filesystem::path& file) {
  // A crash ends the child quietly: no handler of the parent's, no core, no words of libc.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM})
    ::signal(signal, SIG_DFL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const int silent = ::open("/dev/null", O_WRONLY);
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(silent, descriptor);
  constexpr int kMostObjects = 100'000;
  int left = kMostObjects;
  try_to([&] { read_all(Reader(file, Reader::Untried()), "/", 0, left); });
  ::_exit(0);
}

/// Until `process` ends; "" where it exits with 0.
std::string ending_of(pid_t process, double seconds) {
  const auto start = std::chrono::steady_clock::now();
  for (auto pause = std::chrono::microseconds(200);;
       pause = std::min(2 * pause, decltype(pause)(20'000))) {
    int status = 0;
    const pid_t ended = ::waitpid(process, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) return "";  // somebody else waited for it
    if (ended == process) {
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
      return "is damaged: the HDF5 library crashes on it";
    }
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > seconds) {
      ::kill(process, SIGKILL);
      ::waitpid(process, &status, 0);
      return "is damaged: the HDF5 library comes to no end with it";
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

std::string trial(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return "";
  // A chip's read-out is opened once for every layer.
  using State = std::array<std::int64_t, 5>;
  static std::mutex mutex;
  static std::map<State, std::string> known;
  const State state{static_cast<std::int64_t>(status.st_dev),
                    static_cast<std::int64_t>(status.st_ino), status.st_size, status.st_mtim.tv_sec,
                    status.st_mtim.tv_nsec};
  const std::lock_guard guard(mutex);
  if (const auto found = known.find(state); found != known.end()) return found->second;
  std::optional<Lock> library(std::in_place);  // nobody is inside it while the child is made
  const pid_t process = ::fork();
  library.reset();  // in both
  if (process == 0) child(file);
  if (process < 0) return "";
  constexpr double kPatience = 30, kBytesPerSecond = 2e7;
  return known[state] =
             ending_of(process, kPatience + static_cast<double>(status.st_size) / kBytesPerSecond);
}

}  // namespace ohmic::h5
