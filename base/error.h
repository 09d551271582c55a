#pragma once

#include <stdexcept>
#include <string>
#include <utility>

/// What can go wrong, by who has to act. The first line of every message is complete by
/// itself.
namespace ohmic {

/// A config key, command-line word or value that cannot be used (exit status 2).
class ConfigError : public std::runtime_error {
 public:
  /// The parts of its text, for handlers that do not print it.
  struct Parts {
    std::string context = {};    ///< what was being done: "at adc.bits 6 of sweep.axes"
    std::string place = {};      ///< where the value was written: "run.toml:3:1", "--set a.b=3"
    std::string axis = {};       ///< "sweep.axes[1]", of a value that an axis gave
    std::string message = {};    ///< one line
    std::string source = {};     ///< below it: the line of the file, and a caret
    std::string key = {};        ///< dotted, of the value at fault; not shown by itself
    bool wants_integer = false;  ///< the value is a number, and the key takes whole ones
  };
  explicit ConfigError(const std::string& message) : ConfigError(Parts{.message = message}) {}
  explicit ConfigError(Parts parts)
      : std::runtime_error(
            joined(joined(parts.context, parts.place), joined(parts.axis, parts.message)) +
            (parts.source.empty() ? "" : "\n" + parts.source)),
        parts_(std::move(parts)) {}
  const Parts& parts() const { return parts_; }

 private:
  static std::string joined(const std::string& before, const std::string& behind) {
    return before.empty() || behind.empty() ? before + behind : before + ": " + behind;
  }
  Parts parts_;
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
