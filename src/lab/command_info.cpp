#include <algorithm>

#include "base/kernels.h"
#include "base/parallel.h"
#include "devices/catalogue.h"
#include "lab/cache.h"
#include "lab/command.h"
#include "lab/version.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Example:
  ohmic info                 version, processor, places
  ohmic info keys            every key of a config
  ohmic info adc.bits        one key; `ohmic info adc` a table
  ohmic info devices         the device models, a line each
  ohmic info lognormal       a model's manual page and keys
)";

void print_key(const KeyManual& key, const Console& console) {
  const FieldManual& f = key.field;
  console.print("{}{}\n    {}\n    default {}{}{}\n", key.key,
                key.of.empty() ? "" : " (" + key.of + ")", f.meaning,
                f.default_value.empty() ? "\"\"" : f.default_value,
                f.unit.empty() ? "" : " [" + f.unit + "]", f.range.empty() ? "" : "; " + f.range);
}

int info(const CommonOptions& options, const std::string& what, Console& console) {
  apply_common_options(options, {});
  if (what.empty()) {
    console.print("ohmic {} ({})\n", kVersion, commit());
    console.print("built for       {}\n",
                  kProgramLevel.empty() ? "this processor family" : kProgramLevel);
    console.print("hot loops       {}\n", kernels().level);
    console.print("threads         {}\n", threads());
    console.print("network cache   {}\n", cache_folder().string());
    console.print("devices         `ohmic info devices`; keys: `ohmic info keys`\n");
    return 0;
  }
  if (what == "methods") {
    for (const std::string& name : method_names()) console.print("{}\n", name);
    console.print("join them with +; `ohmic info methods.NAME` prints the options of one\n");
    return 0;
  }
  if (what == "devices") {
    for (const auto& entry : devices::catalogue())
      console.print("{:<12} {}\n", entry.name, entry.summary);
    return 0;
  }
  const std::vector<KeyManual> keys = key_manual();
  for (const auto& entry : devices::catalogue())
    if (entry.name == what) {
      console.print("{}: {}\n\n{}\n\n", entry.name, entry.summary, entry.manual);
      for (const KeyManual& key : keys)
        if (key.of == "device " + what) print_key(key, console);
      return 0;
    }
  bool found = false;
  for (const KeyManual& key : keys)
    if (what == "keys" || key.key == what || key.key.starts_with(what + ".")) {
      print_key(key, console);
      found = true;
    }
  if (found) return 0;
  std::vector<std::string> words{"devices", "keys"};
  for (const auto& entry : devices::catalogue()) words.emplace_back(entry.name);
  for (const KeyManual& key : keys) words.push_back(key.key);
  const std::string near = nearest(what, words);
  throw ConfigError("info " + what + ": no such key, table or device" +
                    (near.empty() ? "" : " (did you mean '" + near + "'?)"));
}

}  // namespace

void add_info_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("info", "keys, devices, and this installation");
  command->footer(kHelp);
  const auto what = std::make_shared<std::string>();
  command->add_option("what", *what, "a key, a table, a device, \"keys\" or \"devices\"");
  command->add_option("--threads", options.threads, "threads (0: all processors)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--isa", options.isa, "instruction-set level of the hot loops");
  command->callback([&options, &action, what] {
    action = [&options, what](Console& console) { return info(options, *what, console); };
  });
}

}  // namespace ohmic::lab
