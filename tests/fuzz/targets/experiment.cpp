#include "lab/experiment/experiment.h"

#include "fuzz/same_tree.h"
#include "lab/experiment/key_notes.h"

namespace ohmic::fuzz {
namespace {

/// A config as an experiment with all its checks and notes; the files that it names are missing.
const Target kExperiment("experiment", [](std::string_view input) {
  const auto tree = accepted("run.toml", [&] { return parse_config(input, "run.toml"); });
  if (!tree) return;
  const auto experiment = [](const ConfigNode& root) {
    return lab::make_experiment(root, {}, "/nowhere");
  };
  // What is missing altogether has no place, and a device's file is named by its own path.
  const auto made = accepted("", [&] { return experiment(*tree); });
  if (!made) return;
  for (const char* command : {"run", "sweep", "compare"}) lab::key_notes(*made, command);
  expect_same_as_text(made->root);
  const auto again = accepted("", [&] { return experiment(parse_config(to_toml(*tree), "echo")); });
  expect(again && is_same(again->root, made->root), "the echo of an experiment is another one");
});

}  // namespace
}  // namespace ohmic::fuzz
