#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "cli/workbench.h"

extern char** environ;

namespace ohmic::testing {

/// The program as a process of its own; what it prints and its log go to files that `out` and
/// `log` name.
class Process {
 public:
  Process(const Workbench& bench, const std::vector<std::string>& words,
          const std::string& out = "/dev/null", const std::string& log = "/dev/null") {
    std::vector<std::string> all{OHMIC_PROGRAM};
    for (std::string word : words) {
      if (word.starts_with("~/")) word = bench.path(word.substr(2));
      all.push_back(word);
    }
    std::vector<char*> pointers;
    for (std::string& word : all) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t silent;
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, out.c_str(), O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&silent, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
    REQUIRE(posix_spawn(&id_, OHMIC_PROGRAM, &silent, nullptr, pointers.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&silent);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (!is_over_) kill();
  }
  pid_t id() const { return id_; }
  /// Exit status.
  int wait() {
    int status = 0;
    waitpid(id_, &status, 0);
    is_over_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// kill -9; false if it had ended before.
  bool kill() {
    ::kill(id_, SIGKILL);
    return wait() == -1;
  }

 private:
  pid_t id_ = -1;
  bool is_over_ = false;
};

}  // namespace ohmic::testing
