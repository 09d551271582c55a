#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace ohmic::lab {

/// Exit statuses.
enum ExitStatus { kDone = 0, kSomeFailed = 1, kUsage = 2, kFiles = 3, kOurBug = 70, kInterrupted = 130 };

/// The whole program: `arguments` without the program's name. Returns the exit status; the only
/// place that catches.
int program(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log);

}  // namespace ohmic::lab
