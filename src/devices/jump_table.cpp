#include "devices/jump_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "base/array_file.h"
#include "base/config.h"
#include "base/error.h"
#include "devices/measured.h"

namespace ohmic::devices {
namespace {

constexpr std::size_t kLeastSteps = 5;

double unit_of(const std::string& word, const std::string& name, const std::string& file) {
  const std::map<std::string, double> units{{"S", 1}, {"mS", 1e-3}, {"uS", 1e-6}, {"nS", 1e-9}};
  const std::string unit = word.starts_with(name + "_") ? word.substr(name.size() + 1) : "";
  const auto found = units.find(unit);
  if (found == units.end())
    throw ConfigError(file + ": column " + word + " is no " + name +
                      "_UNIT with UNIT one of S, mS, uS, nS");
  return found->second;
}

}  // namespace

double JumpTable::step(double g, bool is_set, double u) const {
  const std::vector<Level>& levels = is_set ? set : reset;
  if (levels.size() == 1 || g <= levels.front().g) return sample_quantile(levels.front().steps, u);
  if (g >= levels.back().g) return sample_quantile(levels.back().steps, u);
  std::size_t above = 1;
  while (levels[above].g < g) ++above;
  const Level &low = levels[above - 1], &high = levels[above];
  const double share = (g - low.g) / (high.g - low.g);
  const double below = sample_quantile(low.steps, u);
  return below + share * (sample_quantile(high.steps, u) - below);
}

JumpTable read_jump_table(const std::filesystem::path& file) {
  const std::string name = file.string();
  std::stringstream text(read_whole_file(file));
  std::string header;
  while (std::getline(text, header))
    if (!header.empty() && header[0] != '#') break;
  std::vector<std::string> words;
  std::stringstream parts(header);
  for (std::string word; std::getline(parts, word, ',');) {
    word.erase(0, word.find_first_not_of(" \t"));
    word.erase(word.find_last_not_of(" \t\r") + 1);
    words.push_back(word);
  }
  if (words.size() != 3 || words[1] != "direction")
    throw ConfigError(name + ": the columns are level_UNIT, direction, step_UNIT; found " + header);
  const double level_unit = unit_of(words[0], "level", name),
               step_unit = unit_of(words[2], "step", name);
  const Matrix<double> rows = read_csv(file);
  std::map<double, std::vector<double>> levels[2];
  for (Index r = 0; r < rows.rows(); ++r) {
    const double g = rows(r, 0) * level_unit, direction = rows(r, 1), step = rows(r, 2) * step_unit;
    if (!std::isfinite(g) || !std::isfinite(step) || g < 0)
      throw FileError(fmt::format("{}: row {}: no conductance or step", name, r + 1));
    if (direction != 1 && direction != -1)
      throw FileError(fmt::format("{}: row {}: direction {} is neither 1 (set) nor -1 (reset)",
                                  name, r + 1, direction));
    levels[direction < 0][g].push_back(step);
  }
  JumpTable table;
  for (const bool is_reset : {false, true}) {
    if (levels[is_reset].empty())
      throw FileError(name + ": has no " + (is_reset ? "reset" : "set") + " pulses");
    for (auto& [g, steps] : levels[is_reset]) {
      if (steps.size() < kLeastSteps)
        throw FileError(fmt::format("{}: level {} uS has {} {} pulses; at least {} are needed",
                                    name, shortest(g * 1e6), steps.size(),
                                    is_reset ? "reset" : "set", kLeastSteps));
      std::sort(steps.begin(), steps.end());
      (is_reset ? table.reset : table.set).push_back({g, std::move(steps)});
    }
  }
  return table;
}

}  // namespace ohmic::devices
