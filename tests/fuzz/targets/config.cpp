#include "io/config.h"

#include "fuzz/same_tree.h"

namespace ohmic::fuzz {
namespace {

/// A TOML text, and the text that its tree is echoed as.
const Target kConfig("config", [](std::string_view input) {
  const auto tree = accepted("run.toml", [&] { return parse_config(input, "run.toml"); });
  if (tree) expect_same_as_text(*tree);
});

}  // namespace
}  // namespace ohmic::fuzz
