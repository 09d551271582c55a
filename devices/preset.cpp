#include "devices/preset.h"

namespace ohmic::devices {

PresetParams preset_of(const PublishedRange& range) {
  PresetParams p;
  p.cell.g_min = range.g_min;
  p.cell.g_max = range.g_max;
  return p;
}

void fields(FieldVisitor& f, PresetParams& p) {
  fields(f, p.cell);
  scaling_fields(f, p);
}

void scaling_fields(FieldVisitor& f, PresetParams& p) {
  std::string outside = p.allows_outside ? "allow" : "refuse";
  f.field(
      {.key = "outside_range",
       .meaning = "conductances beyond the published range: refused, or the formulas carried on",
       .one_of = {"refuse", "allow"}},
      outside);
  p.allows_outside = outside == "allow";
  f.field(
      {.key = "rescale",
       .meaning = "stretch the published formulas to g_max_uS: sigma(G) = s sigma_published(G/s), "
                  "s = g_max over the published one"},
      p.rescales);
}

void check_preset(const PresetParams& p, const PublishedRange& range, std::string_view model,
                  const ConfigNode& table, const std::string& path) {
  check_cell(p.cell, table, path);
  if (p.allows_outside || p.rescales) return;
  constexpr double kRounding = 1e-9;
  const auto refuse = [&](std::string_view key, double value) {
    const auto words = [](double g) { return shortest(in_user_units(g, units::kMicrosiemens)); };
    fail_at(origin_of(table, key), path + "." + std::string(key) + " = " + words(value) +
                                       " leaves the range " + words(range.g_min) + " .. " +
                                       words(range.g_max) + " uS of " + std::string(model) + "; " +
                                       path + ".rescale = true stretches its formulas, " + path +
                                       ".outside_range = \"allow\" carries them on");
  };
  if (p.cell.g_min < range.g_min * (1 - kRounding)) refuse("g_min_uS", p.cell.g_min);
  if (p.cell.g_max > range.g_max * (1 + kRounding)) refuse("g_max_uS", p.cell.g_max);
}

PresetCell::PresetCell(const PresetParams& preset, const PublishedRange& range)
    : GenericCell(preset.cell),
      preset_(preset),
      unit_(units::kMicrosiemens * (preset.rescales ? preset.cell.g_max / range.g_max : 1.0)) {}

}  // namespace ohmic::devices
