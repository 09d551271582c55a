#include "devices/measured_units.h"

#include <map>
#include <sstream>

#include "base/error.h"

namespace ohmic::devices {

double conductance_unit(const std::string& unit, const std::string& where) {
  const std::map<std::string, double> units{{"S", 1}, {"mS", 1e-3}, {"uS", 1e-6}, {"nS", 1e-9}};
  const auto found = units.find(unit);
  if (found == units.end())
    throw ConfigError(where + ": unknown unit '" + unit +
                      "' of a conductance; known are S, mS, uS, nS");
  return found->second;
}

std::vector<std::string> csv_words(const std::string& line) {
  std::vector<std::string> words;
  std::stringstream parts(line);
  const char separator = line.find(';') == line.npos ? ',' : ';';
  for (std::string word; std::getline(parts, word, separator);) {
    word.erase(0, word.find_first_not_of(" \t"));
    word.erase(word.find_last_not_of(" \t\r") + 1);
    words.push_back(word);
  }
  return words;
}

}  // namespace ohmic::devices
