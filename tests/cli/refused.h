#pragma once

#include <doctest/doctest.h>

#include "cli/workbench.h"

namespace ohmic::testing {

/// `words` are refused with this exit status and this message, complete on its first line, and
/// leave nothing behind. A message that ends in "..." is the beginning of one.
inline void check_refused(const Workbench& bench, const std::vector<std::string>& words, int status,
                          const std::string& message) {
  std::string command;
  for (const std::string& word : words) command += " " + word;
  CAPTURE(command);
  const std::vector<std::string> before = bench.listing();
  const Said said = bench.ohmic(words);
  CHECK(said.status == status);
  if (message.ends_with("..."))
    CHECK(said.message().substr(0, message.size() - 3) == message.substr(0, message.size() - 3));
  else
    CHECK(said.message() == message);
  CHECK(said.out == "");
  CHECK(bench.listing() == before);
}

}  // namespace ohmic::testing
