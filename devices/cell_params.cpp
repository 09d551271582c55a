#include "devices/cell_params.h"

namespace ohmic::devices {
namespace {

// From a single tunnelling gap to a metal wire; squares of them fit single precision.
constexpr double kLeastMicrosiemens = 1e-6, kMostMicrosiemens = 1e6;

RelativeTo relative_to(const std::string& word) {
  return word == "g" ? RelativeTo::g : word == "inverse" ? RelativeTo::inverse : RelativeTo::g_max;
}

}  // namespace

std::string_view words_of(RelativeTo of) {
  return of == RelativeTo::g_max ? "g_max" : of == RelativeTo::g ? "g" : "g_max^2 / g";
}

double spread(double fraction, RelativeTo of, double g, double g_max) {
  switch (of) {
    case RelativeTo::g_max:
      return fraction * g_max;
    case RelativeTo::g:
      return fraction * g;
    default:
      return g == 0 ? 0.0 : fraction * g_max * g_max / g;
  }
}

void range_fields(FieldVisitor& f, CellParams& p) {
  f.field({.key = "g_min_uS",
           .meaning = "lowest conductance of a cell",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = 0,
           .high = kMostMicrosiemens},
          p.g_min);
  f.field({.key = "g_max_uS",
           .meaning = "highest conductance of a cell",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = kLeastMicrosiemens,
           .high = kMostMicrosiemens},
          p.g_max);
  f.field({.key = "levels",
           .meaning = "conductance levels of a cell, both ends included",
           .low = 2,
           .high = 65536,
           .word = "continuous"},
          p.levels);
}

void fields(FieldVisitor& f, CellParams& p) {
  range_fields(f, p);
  f.field({.key = "read_noise",
           .meaning = "deviation of the white noise of one read",
           .unit = "fraction",
           .low = 0,
           .high = 10,
           .when_read = true,
           .doubtful = 1,
           .fraction_of = p.read_noise_of.empty() ? "g_max" : p.read_noise_of},
          p.read_noise);
  f.field({.key = "read_noise_of",
           .meaning = "what read_noise is a fraction of; no default where read_noise is not 0",
           .one_of = {"", "g_max", "g", "inverse"},
           .when_read = true,
           .idle = p.read_noise > 0 ? "" : "read_noise is 0"},
          p.read_noise_of);
}

void check_cell(const CellParams& p, const ConfigNode& table, const std::string& path) {
  const auto at = [&](std::string_view key) { return origin_of(table, key); };
  if (!(p.g_min < p.g_max))
    fail_at(at("g_min_uS"),
            path + ".g_min_uS = " + shortest(in_user_units(p.g_min, units::kMicrosiemens)) +
                " is not below " + path +
                ".g_max_uS = " + shortest(in_user_units(p.g_max, units::kMicrosiemens)));
  if (p.read_noise > 0 && p.read_noise_of.empty())
    fail_at(at("read_noise"), path + ".read_noise = " + shortest(p.read_noise) + " needs " + path +
                                  ".read_noise_of = \"g_max\", \"g\" or \"inverse\"");
}

ConfigNode with_model(const std::string& name, const ConfigNode& table) {
  ConfigNode named;
  named.put("model", ConfigNode{name, {}});
  for (const auto& [key, value] : table.table()) named.put(key, value);
  return named;
}

GenericCell::GenericCell(const CellParams& cell)
    : DeviceModel({cell.g_min, cell.g_max, cell.levels}),
      cell_(cell),
      read_noise_of_(relative_to(cell.read_noise_of)) {}

void GenericCell::read_sigma(const Cells&, ConstView<float> g, double, View<float> out) const {
  for (Index r = 0; r < out.rows(); ++r)
    for (Index c = 0; c < out.columns(); ++c)
      out(r, c) =
          static_cast<float>(spread(cell_.read_noise, read_noise_of_, g(r, c), cell_.g_max));
}

std::optional<double> GenericCell::uniform_read_sigma() const {
  if (cell_.read_noise == 0) return 0.0;
  if (read_noise_of_ == RelativeTo::g_max) return cell_.read_noise * cell_.g_max;
  return std::nullopt;
}

}  // namespace ohmic::devices
