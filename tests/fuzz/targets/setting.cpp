#include "fuzz/same_tree.h"
#include "io/config.h"

namespace ohmic::fuzz {
namespace {

/// Lines "key=value", set one after the other.
const Target kSetting("setting", [](std::string_view input) {
  ConfigNode tree = parse_config(
      "seed = 1\n[adc]\nbits = 8\n[[override]]\nname = \"first\"\n[[override]]\n[x]\na = [1, []]",
      "base");
  input = input.substr(0, input.find('\0'));  // no word of a command line has one
  while (!input.empty()) {
    const std::string line(input.substr(0, input.find('\n')));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    accepted("--set " + line, [&] {
      apply_setting(tree, line);
      return true;
    });
  }
  expect_same_as_text(tree);
});

}  // namespace
}  // namespace ohmic::fuzz
