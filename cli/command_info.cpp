#include <algorithm>

#include "base/kernels.h"
#include "base/parallel.h"
#include "cli/command.h"
#include "devices/additions.h"
#include "devices/catalogue.h"
#include "devices/faults.h"
#include "lab/experiment/former_names.h"
#include "lab/experiment/version.h"
#include "lab/report/device_plots.h"
#include "lab/results/schema.h"
#include "lab/study/cache.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Example:
  ohmic info                 version, processor, cache
  ohmic info keys            every key of a config
  ohmic info adc.bits        one key; `ohmic info adc` a table
  ohmic info devices         the device models, one per line
  ohmic info lognormal       a model's manual page and keys
  ohmic info pcm_like --plot plots of its spread and drift (SVG, in -o FOLDER)
  ohmic info results         what results files hold: data sets, axes, units
  ohmic info variation       what any device can add; also programming, telegraph, faults
  ohmic info --fit my.csv    what a measured table holds, with a plot of data and model
  ohmic info --fit currents.csv --read-voltage 0.2   the same for currents read at 0.2 V
  ohmic info --pulses EcRam  how a training device responds to pulses, with a plot
)";

struct InfoOptions {
  std::string what, fit, unit, pulses, negative = "refuse";
  std::optional<double> read_voltage;  // [V]
  bool plot = false;
};

/// Manual pages that are no device's.
const char* page_of(const std::string& topic) {
  if (topic == "variation") return devices::kVariationStructureManual;
  if (topic == "programming") return devices::kProgrammingLoopManual;
  if (topic == "telegraph") return devices::kTelegraphManual;
  if (topic == "faults") return devices::kFaultsManual;
  return nullptr;
}

void print_key(const KeyManual& key, const Console& console) {
  const FieldManual& f = key.field;
  console.print("{}{}\n    {}\n    default {}{}{}\n", key.key,
                key.of.empty() ? "" : " (" + key.of + ")", f.meaning,
                f.default_value.empty() ? "\"\"" : f.default_value,
                f.unit.empty() ? "" : " [" + f.unit + "]", f.range.empty() ? "" : "; " + f.range);
}

void print_installation(const Console& console) {
  console.print("ohmic {} ({})\n", kVersion, commit());
  console.print("built for       {}\n",
                kProgramLevel.empty() ? "this processor family" : kProgramLevel);
  console.print("hot loops       {}\n", kernels().level);
  console.print("threads         {}\n", threads());
  console.print("network cache   {}\n", cache_folder().string());
  console.print("devices         `ohmic info devices`; keys: `ohmic info keys`\n");
}

void print_methods(const Console& console) {
  for (const MethodKind& kind : method_kinds())
    console.print("{:<16} {}\n", kind.name, kind.summary);
  console.print("{:<16} penalty and compensation\n", "correctnet");
  console.print("join them with +; `ohmic info methods.NAME` prints the options of one\n");
}

void print_device(const devices::CatalogueEntry& entry, bool plot,
                  const std::filesystem::path& folder, const Console& console) {
  const std::string name(entry.name);
  console.print("{}: {}\n\n{}\n\n", entry.name, entry.summary, entry.manual);
  for (const KeyManual& key : key_manual())
    if (key.of == "device " + name) print_key(key, console);
  if (!plot) return;
  if (entry.needs_file)
    throw ConfigError("info " + name +
                      " --plot: it has no numbers of its own; --fit FILE draws yours");
  make_folder_of(folder / "plot.svg");
  ConfigNode table;
  table.put("model", ConfigNode{name, {}});
  for (const auto& file : plot_device(*devices::make_device(table, "device"), name, folder))
    console.print("plot in {}\n", file.string());
}

/// The key, or the keys of a table; false where nothing has that name.
bool print_keys(const std::string& what, const Console& console) {
  bool found = false;
  for (const KeyManual& key : key_manual())
    if (what == "keys" || key.key == what || key.key.starts_with(what + ".") ||
        key.key.starts_with("methods." + what + ".")) {
      print_key(key, console);
      found = true;
    }
  return found;
}

[[noreturn]] void fail_unknown(const std::string& what) {
  std::vector<std::string> words{"devices",   "keys",        "methods",   "results",
                                 "variation", "programming", "telegraph", "faults"};
  for (const auto& entry : devices::catalogue()) words.emplace_back(entry.name);
  for (const KeyManual& key : key_manual()) words.push_back(key.key);
  for (const std::string& method : method_names()) words.push_back(method);
  const std::string near = nearest(what, words);
  throw ConfigError("info " + what + ": no such key, table or device" +
                    (near.empty() ? "" : " (did you mean '" + near + "'?)"));
}

int info(const CommonOptions& options, const InfoOptions& own, Console& console) {
  apply_common_options(options, {});
  const std::string what = todays_key(own.what);
  const std::filesystem::path folder = options.output.empty() ? "." : options.output;
  if (own.read_voltage && !(*own.read_voltage > 0 && *own.read_voltage <= 100))
    throw ConfigError("--read-voltage " + shortest(*own.read_voltage) +
                      ": expected a voltage above 0 V, at most 100 V");
  if (!own.fit.empty()) {
    make_folder_of(folder / "fit.svg");
    show_fit(own.fit,
             {.unit = own.unit,
              .read_voltage = own.read_voltage,
              .clips_negative = own.negative == "clip"},
             folder / "fit.svg", console);
    return 0;
  }
  if (!own.pulses.empty()) {
    make_folder_of(folder / "pulses.svg");
    show_pulses(own.pulses, folder / (own.pulses + "_pulses.svg"), console);
    return 0;
  }
  const char* page = page_of(what);
  if (page) console.print("{}\n\n", page);
  for (const auto& entry : devices::catalogue())
    if (entry.name == what) {
      print_device(entry, own.plot, folder, console);
      return 0;
    }
  if (what.empty())
    print_installation(console);
  else if (what == "methods")
    print_methods(console);
  else if (what == "results")
    console.print("{}", schema_markdown());
  else if (what == "devices")
    for (const auto& entry : devices::catalogue())
      console.print("{:<18} {}\n", entry.name, entry.summary);
  else if (!print_keys(what, console) && !page)
    fail_unknown(what);
  return 0;
}

}  // namespace

void add_info_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("info", "keys, devices, and this installation");
  command->footer(kHelp);
  const auto own = std::make_shared<InfoOptions>();
  command->add_option("what", own->what, "a key, a table, a device, \"keys\" or \"devices\"");
  command->add_flag("--plot", own->plot, "draw the device: spread and drift");
  command->add_option("--fit", own->fit, "a measured table to inspect")->type_name("FILE");
  command->add_option("--unit", own->unit,
                      "unit of conductances in a --fit file without names or units");
  command->add_option("--read-voltage,--read-voltage-v,--read_voltage_v", own->read_voltage,
                      "voltage [V] of a --fit file whose read-outs are currents");
  command->add_option("--negative", own->negative, "read-outs below 0 of a --fit file")
      ->check(CLI::IsMember({"refuse", "clip"}));
  command->add_option("--pulses", own->pulses, "a training device to draw")->type_name("MODEL");
  command->add_option("-o,--output", options.output, "where plots go");
  command->add_option("--threads", options.threads, "threads (0: all processors)")
      ->check(CLI::Range(0, 1024));
  command->add_option("--isa", options.isa, "instruction-set level of the hot loops");
  command->callback([&options, &action, own] {
    action = [&options, own](Console& console) { return info(options, *own, console); };
  });
}

}  // namespace ohmic::lab
