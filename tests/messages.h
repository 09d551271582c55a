#pragma once

#include <string>

/// Messages of exceptions, for the tests of misuse.
namespace ohmic::testing {

/// The message of the E that `action` throws, or "" if it throws none.
template <class E, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

/// Its first line, which is complete by itself.
template <class E, class Action>
std::string first_line_of(Action&& action) {
  const std::string message = message_of<E>(action);
  return message.substr(0, message.find('\n'));
}

}  // namespace ohmic::testing
