#include "lab/experiment/hardware_words.h"

#include "base/console.h"

#include <fmt/format.h>

#include <algorithm>

namespace ohmic::lab {
namespace {

std::string bits_words(const std::optional<std::int64_t>& bits, const char* what) {
  return bits ? fmt::format("{}-bit {}", *bits, what) : fmt::format("ideal {}", what);
}

}  // namespace

std::string hardware_words(const Experiment& e) {
  const auto& array = e.hardware.array;
  const ConfigNode device = e.hardware.device->parameters();
  const ConfigNode* model = device.find("model");
  std::string words = "device " + std::get<std::string>(model->value);
  const auto say = [&](const char* key, const std::string& name) {
    if (const ConfigNode* value = device.find(key))
      words += ", " + name + " " + inline_toml(*value);
  };
  const auto say_if = [&](const char* key, const std::string& name) {
    const ConfigNode* value = device.find(key);
    const auto* number = value ? std::get_if<double>(&value->value) : nullptr;
    if (number && *number > 0) words += ", " + name + " " + shortest(*number);
  };
  const auto of = [&](const char* key) {
    const ConfigNode* what = device.find(key);
    const auto* word = what ? std::get_if<std::string>(&what->value) : nullptr;
    if (word) words += " of " + (*word == "inverse" ? std::string("g_max^2 / g") : *word);
  };
  say("sigma", "sigma");
  if (const ConfigNode* on = device.find("variation_on"))
    words += " on each " + std::get<std::string>(on->value);
  of("sigma_of");
  say("width", "width");
  of("width_of");
  say_if("sigma_device", "device to device");
  say_if("sigma_die", "die to die");
  say_if("sigma_correlated", "correlated");
  if (const auto levels = e.hardware.device->levels()) words += fmt::format(", {} levels", *levels);
  say_if("read_noise", "read noise");
  of("read_noise_of");
  say_if("telegraph_share", "telegraph share");
  if (const ConfigNode* how = device.find("programming");
      how && std::get<std::string>(how->value) == "write_verify") {
    words += ", verified";
    say("verify_tolerance_uS", "to (uS)");
    say("verify_pulse_limit", "pulses at most");
  }
  const devices::FaultParams& faults = e.hardware.faults;
  const auto rate = [&](double fraction, const char* what) {
    if (fraction > 0) words += fmt::format("{} {:.3g} %", what, 100 * fraction);
  };
  if (faults.is_active()) words += "; faults";
  if (!faults.map.empty()) words += " of " + faults.map;
  rate(faults.stuck_at_g_min, " at g_min");
  rate(faults.stuck_at_g_max, " at g_max");
  rate(faults.stuck_at_given, " at a given conductance");
  rate(faults.dead_rows, " dead word lines");
  rate(faults.dead_columns, " dead bit lines");
  const char* mappings[] = {"differential", "two-sided differential", "offset"};
  words += fmt::format("; {} tiles of {} x {}; {}, {}", mappings[static_cast<int>(array.mapping)],
                       array.rows, array.columns, bits_words(e.hardware.dac.bits, "DAC"),
                       bits_words(e.hardware.adc.bits, "ADC"));
  if (!e.overrides.empty())
    words += fmt::format("; {} override{}", e.overrides.size(), e.overrides.size() > 1 ? "s" : "");
  return words;
}

std::string verification_line(std::int64_t within_tolerance, std::int64_t gave_up,
                              const std::string& where) {
  const std::string ended =
      gave_up == 0 ? "none gave up" : grouped(gave_up) + " gave up at the pulse limit";
  return fmt::format("verifying loops: {} cells within tolerance, {}{}\n",
                     grouped(within_tolerance), ended,
                     gave_up == 0 || where.empty() ? "" : " (" + where + ")");
}

int name_column(const nn::Network& network) {
  std::size_t width = 10;
  for (const Index layer : network.mac_layers())
    width = std::max(width, network.name(layer).size());
  return static_cast<int>(width);
}

}  // namespace ohmic::lab
