#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "io/config.h"

namespace ohmic::lab {

/// Exit statuses.
enum ExitStatus {
  kDone = 0,
  kSomeFailed = 1,
  kUsage = 2,
  kFiles = 3,
  kOurBug = 70,
  kInterrupted = 130
};

/// One command: `arguments` without the program's name. Returns kDone, or kSomeFailed where some of
/// many points did; everything else is thrown (ConfigError for words that are not a command line).
/// `config`, where it is given, stands for the file that the arguments name; relative paths in it
/// start at the current folder.
int run_command(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log,
                const ConfigNode* config = nullptr);

/// What is told of an exception.
struct Failure {
  ExitStatus status;
  std::string line;
};
/// Of the exception that is being handled.
Failure current_failure();

/// The whole program: run_command(), and what it throws as a line in `log`. Returns the exit
/// status.
int program(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log);

}  // namespace ohmic::lab
