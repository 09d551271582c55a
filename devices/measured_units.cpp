#include "devices/measured_units.h"

#include "base/error.h"

namespace ohmic::devices {
namespace {

/// Both micro signs (U+00B5, U+03BC) as u, both capital omegas (U+03A9, U+2126) as Ohm.
std::string plain_letters(std::string_view text) {
  std::string plain(text);
  for (const auto& [sign, letters] : {std::pair{"\xc2\xb5", "u"},
                                      {"\xce\xbc", "u"},
                                      {"\xce\xa9", "Ohm"},
                                      {"\xe2\x84\xa6", "Ohm"}})
    for (std::size_t at; (at = plain.find(sign)) != plain.npos;)
      plain.replace(at, std::string_view(sign).size(), letters);
  // The micro sign of Latin-1, as old spreadsheets save it, is no part of another character.
  for (std::size_t i = 0; i < plain.size(); ++i)
    if (plain[i] == '\xb5' && (i == 0 || static_cast<unsigned char>(plain[i - 1]) < 0x80))
      plain[i] = 'u';
  return plain;
}

std::optional<double> prefix_value(std::string_view prefix) {
  for (const auto& [word, value] : {std::pair{"", 1.0}, {"n", 1e-9}, {"u", 1e-6}, {"m", 1e-3}})
    if (prefix == word) return value;
  return std::nullopt;
}

}  // namespace

double ConductanceUnit::siemens(double value, double volts) const {
  if (kind == Kind::resistance) return 1 / (value * scale);
  return kind == Kind::current ? value * scale / volts : value * scale;
}

std::optional<ConductanceUnit> find_conductance_unit(std::string_view word) {
  using Kind = ConductanceUnit::Kind;
  std::string plain = plain_letters(word);
  for (const char* ohm : {"ohms", "Ohms", "ohm"})
    if (plain.ends_with(ohm)) plain.replace(plain.size() - std::string_view(ohm).size(), 4, "Ohm");
  for (const auto& [name, value] : {std::pair{"Ohm", 1.0}, {"kOhm", 1e3}, {"MOhm", 1e6}})
    if (plain == name) return ConductanceUnit{Kind::resistance, value, plain};
  if (plain.empty() || (plain.back() != 'S' && plain.back() != 'A')) return std::nullopt;
  const auto value = prefix_value(std::string_view(plain).substr(0, plain.size() - 1));
  if (!value) return std::nullopt;
  return ConductanceUnit{plain.back() == 'A' ? Kind::current : Kind::conductance, *value, plain};
}

ConductanceUnit conductance_unit(const std::string& word, const std::string& where,
                                 bool also_read_outs) {
  const auto unit = find_conductance_unit(word);
  if (unit && (also_read_outs || unit->kind == ConductanceUnit::Kind::conductance)) return *unit;
  throw ConfigError(where + ": unknown unit '" + word + "' of a conductance; known are " +
                    (also_read_outs ? kConductanceUnits : "S, mS, uS, nS"));
}

std::string plain_unit(const std::string& word) {
  const auto unit = find_conductance_unit(word);
  return unit ? unit->name : word;
}

const std::vector<std::string_view>& conductance_unit_words() {
  static const std::vector<std::string_view> words{"",   "S",  "mS", "uS",  "nS",   "A",
                                                   "mA", "uA", "nA", "Ohm", "kOhm", "MOhm"};
  return words;
}

ColumnName column_name(std::string_view header) {
  const std::string plain = plain_letters(header);
  constexpr std::string_view kJoints = " \t_([/";
  const std::size_t end = std::min(plain.find_first_of(kJoints), plain.size());
  ColumnName out{plain.substr(0, end), plain.substr(end)};
  for (char& c : out.name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  out.unit.erase(0, out.unit.find_first_not_of(kJoints));
  out.unit.erase(out.unit.find_last_not_of(" \t)]") + 1);
  return out;
}

}  // namespace ohmic::devices
