#include "devices/jump_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "devices/measured_table.h"
#include "devices/measured_units.h"
#include "io/config.h"
#include "io/remark.h"
#include "io/text_table.h"

namespace ohmic::devices {
namespace {

constexpr std::size_t kLeastSteps = 5;

/// Where level, direction and step stand, and what the numbers of two of them are worth [S].
struct Columns {
  std::size_t level = 0, direction = 0, step = 0;
  double level_unit = 0, step_unit = 0;
  std::string note = {};  ///< what the user should know
};

Columns columns_of(const TextTable& table) {
  constexpr const char* kExpected = "the columns are level_UNIT, direction, step_UNIT";
  if (table.header().empty())
    throw ConfigError(table.at(table.rows().front().front()) + kExpected +
                      "; the first row has no names");
  Columns columns;
  bool has_direction = false;
  std::string ignored;
  for (std::size_t c = 0; c < table.header().size(); ++c) {
    const TableField& field = table.header()[c];
    const auto [name, unit] = column_name(field.text);
    const std::string where = table.at(field) + "column " + std::string(field.text);
    if (name == "direction" ? has_direction
                            : (name == "level" && columns.level_unit > 0) ||
                                  (name == "step" && columns.step_unit > 0))
      throw ConfigError(where + ": there is a column " + name + " already");
    if (name == "direction") {
      columns.direction = c;
      has_direction = true;
    } else if (name == "level") {
      columns.level = c;
      columns.level_unit = conductance_unit(unit, where, false).scale;
    } else if (name == "step") {
      columns.step = c;
      columns.step_unit = conductance_unit(unit, where, false).scale;
    } else {
      ignored += (ignored.empty() ? "'" : ", '") + std::string(field.text) + "'";
    }
  }
  const std::string at = table.at(table.header().front());
  if (!has_direction || columns.level_unit == 0 || columns.step_unit == 0)
    throw ConfigError(at + kExpected + (ignored.empty() ? "" : "; not read are " + ignored));
  if (!ignored.empty()) columns.note = at + "not read: " + ignored;
  return columns;
}

bool is_reset_pulse(const TextTable& table, const TableField& field) {
  if (field.text == "set" || field.text == "reset") return field.text == "reset";
  if (field.text.find_first_of("0123456789") == field.text.npos ||
      std::fabs(table.number(field)) != 1)
    table.fail(field, "direction '" + std::string(field.text) + "' is none of set, reset, 1, -1");
  return table.number(field) < 0;
}

/// [S]; no step or level is larger than a wire conducts.
double siemens(const TextTable& table, const TableField& field, double unit) {
  const double g = table.number(field) * unit;
  if (std::fabs(g) > kMostSiemens)
    throw ConfigError(table.at(field) + std::string(field.text) +
                      " is more than 1 S, which no cell conducts; is the unit another one?");
  return g;
}

}  // namespace

double JumpTable::step(double g, bool is_set, double u) const {
  const std::vector<Level>& levels = is_set ? set : reset;
  if (levels.size() == 1 || g <= levels.front().g) return levels.front().steps.quantile(u);
  if (g >= levels.back().g) return levels.back().steps.quantile(u);
  const auto above = std::partition_point(levels.begin(), levels.end(),
                                          [g](const Level& level) { return level.g < g; });
  const Level &low = *(above - 1), &high = *above;
  const double fraction = (g - low.g) / (high.g - low.g);
  const double below = low.steps.quantile(u);
  return below + fraction * (high.steps.quantile(u) - below);
}

JumpTable read_jump_table(const std::filesystem::path& file) {
  const TextTable text(file);
  const Columns columns = columns_of(text);
  struct Pulses {
    const TableRow* first_row = nullptr;
    std::vector<double> steps;
  };
  std::map<double, Pulses> levels[2];
  for (const TableRow& row : text.rows()) {
    const double g = siemens(text, row[columns.level], columns.level_unit);
    if (g < 0)
      text.fail(row[columns.level],
                "level " + std::string(row[columns.level].text) + " is negative");
    Pulses& pulses = levels[is_reset_pulse(text, row[columns.direction])][g];
    if (!pulses.first_row) pulses.first_row = &row;
    pulses.steps.push_back(siemens(text, row[columns.step], columns.step_unit));
  }
  JumpTable table;
  for (const bool is_reset : {false, true}) {
    if (levels[is_reset].empty())
      throw FileError(file.string() + ": has no " + (is_reset ? "reset" : "set") + " pulses");
    for (auto& [g, pulses] : levels[is_reset]) {
      if (pulses.steps.size() < kLeastSteps)
        text.fail(
            (*pulses.first_row)[columns.level],
            fmt::format("level {} uS has {} {} pulses; at least {} are needed", shortest(g * 1e6),
                        pulses.steps.size(), is_reset ? "reset" : "set", kLeastSteps));
      (is_reset ? table.reset : table.set).push_back({g, Empirical(std::move(pulses.steps))});
    }
  }
  if (!columns.note.empty()) remark(columns.note);
  return table;
}

}  // namespace ohmic::devices
