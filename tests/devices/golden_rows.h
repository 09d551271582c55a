#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace ohmic::testing {

/// A row of a golden table by the names of its columns; words stay words.
class GoldenRow {
 public:
  double operator[](const std::string& column) const {
    return std::strtod(word(column).c_str(), nullptr);
  }
  const std::string& word(const std::string& column) const { return cells_.at(column); }
  std::map<std::string, std::string> cells_;
};

/// The rows of a CSV file below tests/golden; its first line (or comment) names the columns.
inline std::vector<GoldenRow> golden_rows(const std::string& file) {
  std::ifstream in(std::string(OHMIC_GOLDEN) + "/" + file);
  REQUIRE(in.good());
  const auto split = [](std::string line) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::vector<std::string> words;
    std::stringstream parts(line);
    for (std::string word; std::getline(parts, word, ',');) words.push_back(word);
    return words;
  };
  std::string line;
  std::getline(in, line);
  if (line.starts_with("# ")) line.erase(0, 2);
  const std::vector<std::string> names = split(line);
  std::vector<GoldenRow> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> words = split(line);
    if (words.empty()) continue;
    REQUIRE(words.size() == names.size());
    rows.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) rows.back().cells_[names[i]] = words[i];
  }
  REQUIRE(rows.size() > 1);
  return rows;
}

/// Within `tolerance` relative, or 1e-9 absolute (the tables have ten digits).
inline bool agrees(double found, double expected, double tolerance = 1e-6) {
  return std::fabs(found - expected) <= tolerance * std::fabs(expected) + 1e-9;
}

}  // namespace ohmic::testing
