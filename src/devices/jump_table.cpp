#include "devices/jump_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "base/config.h"
#include "base/error.h"
#include "base/matrix.h"
#include "base/whole_file.h"
#include "devices/measured_units.h"

namespace ohmic::devices {
namespace {

constexpr std::size_t kLeastSteps = 5;

double unit_of(const std::string& word, const std::string& name, const std::string& file) {
  if (!word.starts_with(name + "_"))
    throw ConfigError(file + ": column " + word + " is no " + name + "_UNIT");
  return conductance_unit(word.substr(name.size() + 1), file + ": column " + word);
}

double number_of(const std::string& word, const std::string& place) {
  double value = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (fault != std::errc() || end != word.data() + word.size() || !std::isfinite(value))
    throw FileError(place + "'" + word + "' is no number");
  return value;
}

bool is_reset_pulse(const std::string& word, const std::string& place) {
  if (word == "set" || word == "reset") return word == "reset";
  double sign = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), sign);
  if (fault != std::errc() || end != word.data() + word.size() || std::fabs(sign) != 1)
    throw FileError(place + "direction '" + word + "' is none of set, reset, 1, -1");
  return sign < 0;
}

}  // namespace

double JumpTable::step(double g, bool is_set, double u) const {
  const std::vector<Level>& levels = is_set ? set : reset;
  if (levels.size() == 1 || g <= levels.front().g) return levels.front().steps.quantile(u);
  if (g >= levels.back().g) return levels.back().steps.quantile(u);
  std::size_t above = 1;
  while (levels[above].g < g) ++above;
  const Level &low = levels[above - 1], &high = levels[above];
  const double share = (g - low.g) / (high.g - low.g);
  const double below = low.steps.quantile(u);
  return below + share * (high.steps.quantile(u) - below);
}

JumpTable read_jump_table(const std::filesystem::path& file) {
  const std::string name = file.string();
  std::stringstream text(read_whole_file(file));
  double level_unit = 0, step_unit = 0;
  std::map<double, std::vector<double>> levels[2];
  Index line_number = 0;
  for (std::string line; std::getline(text, line);) {
    ++line_number;
    line.erase(std::min(line.find('#'), line.size()));
    const std::vector<std::string> words = csv_words(line);
    if (std::all_of(words.begin(), words.end(), [](const auto& word) { return word.empty(); }))
      continue;
    if (level_unit == 0) {  // the header
      if (words.size() != 3 || words[1] != "direction")
        throw ConfigError(name + ": the columns are level_UNIT, direction, step_UNIT; found " +
                          line);
      level_unit = unit_of(words[0], "level", name);
      step_unit = unit_of(words[2], "step", name);
      continue;
    }
    const std::string place = fmt::format("{}:{}: ", name, line_number);
    if (words.size() != 3)
      throw FileError(fmt::format("{}a row of {}, expected 3", place, words.size()));
    const double g = number_of(words[0], place) * level_unit;
    if (g < 0) throw FileError(place + "level " + words[0] + " is negative");
    levels[is_reset_pulse(words[1], place)][g].push_back(number_of(words[2], place) * step_unit);
  }
  if (level_unit == 0) throw FileError(name + ": is empty");
  JumpTable table;
  for (const bool is_reset : {false, true}) {
    if (levels[is_reset].empty())
      throw FileError(name + ": has no " + (is_reset ? "reset" : "set") + " pulses");
    for (auto& [g, steps] : levels[is_reset]) {
      if (steps.size() < kLeastSteps)
        throw FileError(fmt::format("{}: level {} uS has {} {} pulses; at least {} are needed",
                                    name, shortest(g * 1e6), steps.size(),
                                    is_reset ? "reset" : "set", kLeastSteps));
      (is_reset ? table.reset : table.set).push_back({g, Empirical(std::move(steps))});
    }
  }
  return table;
}

}  // namespace ohmic::devices
