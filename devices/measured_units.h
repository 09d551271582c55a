#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ohmic::devices {

/// How numbers of a column become conductances [S].
struct ConductanceUnit {
  enum class Kind { conductance, current, resistance };
  Kind kind = Kind::conductance;
  double scale = 1;  ///< SI value of one unit: [S], [A] or [Ohm]
  std::string name;  ///< "uS"

  /// The conductance [S] that `value` of this unit stands for. A current divides by the read
  /// voltage `volts` [V], which acts on nothing else.
  double siemens(double value, double volts) const;
};

/// S, mS, uS, nS; A, mA, uA, nA; Ohm, kOhm, MOhm, with either micro sign and either capital omega.
/// None for another word.
std::optional<ConductanceUnit> find_conductance_unit(std::string_view word);
/// The same; ConfigError beginning with `where` for another word, and for a resistance or current
/// unless `also_read_outs`.
ConductanceUnit conductance_unit(const std::string& word, const std::string& where,
                                 bool also_read_outs);
/// What messages list.
inline constexpr const char* kConductanceUnits = "S, mS, uS, nS, A, mA, uA, nA, Ohm, kOhm, MOhm";
/// The unit as conductance_unit_words() has it ("uS" of "µS"); another word as it is.
std::string plain_unit(const std::string& word);
/// The words that find_conductance_unit() takes as a key's value, "" first.
const std::vector<std::string_view>& conductance_unit_words();

/// A column's name and unit, however they are joined: "target_uS", "target (uS)", "Target [uS]",
/// "target/uS"; micro signs become u. The unit is empty where there is none.
struct ColumnName {
  std::string name, unit;
};
ColumnName column_name(std::string_view header);

}  // namespace ohmic::devices
