#pragma once

#include <stdexcept>
#include <string>

/// What can go wrong, sorted by who has to act. The first line of every message is complete by
/// itself.
namespace ohmic {

/// A config key, command-line word or value that cannot be used (exit status 2).
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Sizes that do not fit together (exit status 2); names the layer or the two things compared.
class ShapeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file that is missing, truncated, mislabelled or cannot be written (exit status 3).
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The user asked to stop (exit status 130); the message says how to go on.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A defect of Ohmic itself (exit status 70).
class LogicError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Throws LogicError with the caller's place unless `holds`. Active in Release: keep it out of hot
/// loops. (Clang 14 has no std::source_location.)
inline void ensure(bool holds, const char* what, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
  if (!holds) throw LogicError(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

}  // namespace ohmic
