#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

/// Every reader of Ohmic as a function of one input's bytes. libfuzzer.cpp gives a target inputs
/// without end, seeds_test.cpp those of seeds/<target>/ once.
namespace ohmic::fuzz {

/// What a reader did that none may do: wrong numbers, two answers, an unclear refusal.
class Defect : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};
inline void expect(bool holds, const std::string& what) {
  if (!holds) throw Defect(what);
}

/// One target, a constant in its file. `judge` throws Defect, or what the reader threw where that
/// is no refusal.
class Target {
 public:
  using Judge = void (*)(std::string_view input);
  Target(std::string name, Judge judge);
  const std::string name;
  const Judge judge;
  static const std::vector<const Target*>& all();
};

/// A file NAME in a folder of this process that goes with it. It is made anew, so that nothing
/// known of an earlier one holds.
std::filesystem::path file_of(std::string_view bytes, const std::string& name);

/// A base file with the edits that `input` asks for, one after the other: to flip a bit, set a
/// byte or a number, cut, append, swap. No input, no edits.
std::string edited(std::string bytes, std::string_view input);

/// The bytes of numbers, which tell NaN from NaN and 0 from -0.
template <class Numbers>
std::string bytes_of(const Numbers& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(*numbers.data())};
}

/// What `read()` gives; none where it refuses. A refusal is one of Ohmic's exceptions and names
/// `place` in its first line.
template <class Read>
auto accepted(const std::string& place, Read read) -> std::optional<decltype(read())> {
  std::string message;
  try {
    return read();
  } catch (const ConfigError& error) {
    message = error.what();
  } catch (const FileError& error) {
    message = error.what();
  } catch (const ShapeError& error) {
    message = error.what();
  }
  expect(message.substr(0, message.find('\n')).find(place) != message.npos,
         "a refusal does not name " + place + ": " + message);
  return std::nullopt;
}

/// The same of a reader of files, which has to give the same twice.
template <class Read>
auto accepted_twice(const std::filesystem::path& file, Read read) {
  const auto first = accepted(file.string(), read), second = accepted(file.string(), read);
  expect(first == second, "the same bytes read twice differ");
  return first;
}

}  // namespace ohmic::fuzz
