#include "devices/measured_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "base/array_file.h"
#include "base/config.h"
#include "base/error.h"
#include "base/statistics.h"
#include "devices/measured_units.h"

namespace ohmic::devices {
namespace {

/// What a column holds, and the SI value of one of its units.
struct Column {
  enum class Kind { target, mean, sigma, sample, time } kind;
  double scale;
};

double time_unit(const std::string& unit, const std::string& where) {
  const std::map<std::string, double> units{{"s", 1}, {"min", 60}, {"h", 3600}, {"day", 86400}};
  const auto found = units.find(unit);
  if (found == units.end())
    throw ConfigError(where + ": unknown unit '" + unit + "' of a time; known are s, min, h, day");
  return found->second;
}

bool has(const std::vector<Column>& columns, Column::Kind kind) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Column& c) { return c.kind == kind; });
}

std::vector<Column> columns_of(const std::string& header, const std::string& file) {
  std::vector<Column> columns;
  for (const std::string& word : csv_words(header)) {
    const std::size_t at = word.rfind('_');
    const std::string name = word.substr(0, at);
    const std::string unit = at == word.npos ? "" : word.substr(at + 1);
    const std::string where = file + ": column " + word;
    using Kind = Column::Kind;
    const std::map<std::string, Kind> kinds{{"target", Kind::target},
                                            {"mean", Kind::mean},
                                            {"std", Kind::sigma},
                                            {"sample", Kind::sample},
                                            {"time", Kind::time}};
    const auto found = kinds.find(name);
    if (found == kinds.end())
      throw ConfigError(where +
                        " is none of target_UNIT, mean_UNIT, std_UNIT, sample_UNIT, time_UNIT");
    if (has(columns, found->second))
      throw ConfigError(where + ": there is a column " + name + " already");
    columns.push_back({found->second, found->second == Kind::time ? time_unit(unit, where)
                                                                  : conductance_unit(unit, where)});
  }
  return columns;
}

/// Columns of a file without names.
std::vector<Column> unnamed_columns(Index count, const std::string& unit, const std::string& file) {
  if (unit.empty())
    throw ConfigError(
        file + ": a file without column names needs device.file_unit = \"uS\" (or S, mS, nS)");
  const double scale = conductance_unit(unit, file);
  using Kind = Column::Kind;
  if (count == 2) return {{Kind::target, scale}, {Kind::sample, scale}};
  std::vector<Column> columns{{Kind::target, scale}, {Kind::mean, scale}, {Kind::sigma, scale}};
  if (count == 4) columns.push_back({Kind::time, 1});
  if (count < 2 || count > 4)
    throw FileError(
        fmt::format("{}: {} columns; expected target and sample, or target, mean, std "
                    "(and time)",
                    file, count));
  return columns;
}

/// The first line that is no comment.
std::string header_of(const std::filesystem::path& file) {
  std::stringstream text(read_whole_file(file));
  for (std::string line; std::getline(text, line);)
    if (line.find_first_not_of(" \t\r") != line.npos && line[line.find_first_not_of(" \t")] != '#')
      return line;
  throw FileError(file.string() + ": is empty");
}

/// The samples of every target at one time.
using Samples = std::map<double, std::vector<double>>;

struct Row {
  double target = 0, mean = 0, sigma = 0, sample = 0, seconds = 0;
};

std::vector<Row> rows_of(const Matrix<double>& numbers, const std::vector<Column>& columns,
                         const std::string& file) {
  if (static_cast<Index>(columns.size()) != numbers.columns())
    throw FileError(fmt::format("{}: {} named columns, but rows of {} numbers", file,
                                columns.size(), numbers.columns()));
  std::vector<Row> rows;
  for (Index r = 0; r < numbers.rows(); ++r) {
    Row row;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const double value = numbers(r, static_cast<Index>(c)) * columns[c].scale;
      if (!std::isfinite(value))
        throw FileError(fmt::format("{}: row {}: {} is no number", file, r + 1, value));
      if (value < 0)
        throw FileError(fmt::format("{}: row {}: {} is negative", file, r + 1,
                                    shortest(numbers(r, static_cast<Index>(c)))));
      using Kind = Column::Kind;
      switch (columns[c].kind) {
        case Kind::target:
          row.target = value;
          break;
        case Kind::mean:
          row.mean = value;
          break;
        case Kind::sigma:
          row.sigma = value;
          break;
        case Kind::sample:
          row.sample = value;
          break;
        case Kind::time:
          row.seconds = value;
          break;
      }
    }
    rows.push_back(row);
  }
  return rows;
}

std::string in_uS(double g) { return shortest(g * 1e6) + " uS"; }

/// " at 3 s" where there are several times.
std::string when(const MeasuredTable& table, double seconds) {
  return table.times.size() > 1 ? " at " + shortest(seconds) + " s" : "";
}

/// What must hold of every time's targets.
void check(const MeasuredTable& table, const std::string& file) {
  const auto& first = table.times.front().targets;
  for (const auto& at : table.times) {
    if (at.targets.size() < 2)
      throw FileError(fmt::format("{}: {} target{}; at least 2 are needed", file,
                                  std::to_string(at.targets.size()) + when(table, at.seconds),
                                  at.targets.size() == 1 ? "" : "s"));
    const bool are_same =
        std::equal(at.targets.begin(), at.targets.end(), first.begin(), first.end(),
                   [](const auto& a, const auto& b) { return a.target == b.target; });
    if (!are_same) throw FileError(file + ": has other targets" + when(table, at.seconds));
  }
}

}  // namespace

MeasuredTable read_measured_table(const std::filesystem::path& file, const std::string& unit) {
  const std::string name = file.string();
  const bool is_csv = file.extension() == ".csv";
  Matrix<double> numbers;
  std::vector<Column> columns;
  if (is_csv) {
    columns = columns_of(header_of(file), name);
    numbers = read_csv(file);
  } else {
    const Matrix<float> read = read_matrix(name, "device.file");
    numbers = Matrix<double>(read.rows(), read.columns());
    for (Index i = 0; i < read.size(); ++i) numbers.data()[i] = read.data()[i];
    columns = unnamed_columns(numbers.columns(), unit, name);
  }
  using Kind = Column::Kind;
  const bool samples = has(columns, Kind::sample);
  if (!has(columns, Kind::target) || has(columns, Kind::mean) == samples ||
      has(columns, Kind::sigma) == samples)
    throw ConfigError(name +
                      ": a table has columns target_UNIT, mean_UNIT, std_UNIT, or target_UNIT, "
                      "sample_UNIT");
  MeasuredTable table;
  table.has_samples = samples;
  const std::vector<Row> rows = rows_of(numbers, columns, name);
  std::map<double, Samples> all_samples;  // time, target
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const Row& row = rows[r];
    auto time = std::find_if(table.times.begin(), table.times.end(),
                             [&](const auto& t) { return t.seconds == row.seconds; });
    if (time == table.times.end()) {
      table.times.push_back({row.seconds, {}});
      time = table.times.end() - 1;
    }
    if (samples) {
      all_samples[row.seconds][row.target].push_back(row.sample);
      continue;
    }
    auto& targets = time->targets;
    const auto target = std::find_if(targets.begin(), targets.end(),
                                     [&](const auto& t) { return t.target == row.target; });
    if (target != targets.end())
      throw FileError(
          fmt::format("{}: row {}: target {} stands there twice", name, r + 1, in_uS(row.target)));
    if (!targets.empty() && targets.back().target > row.target)
      throw FileError(fmt::format("{}: row {}: target {} comes after {}; targets must ascend", name,
                                  r + 1, in_uS(row.target), in_uS(targets.back().target)));
    targets.push_back({row.target, row.mean, row.sigma, {}});
  }
  if (table.times.empty()) throw FileError(name + ": has no rows");
  std::sort(table.times.begin(), table.times.end(),
            [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
  for (auto& at : table.times)
    for (auto& [target, values] : all_samples[at.seconds]) {
      if (values.size() < kLeastSamples)
        throw FileError(fmt::format("{}: target {}{} has {} samples; at least {} are needed", name,
                                    in_uS(target), when(table, at.seconds), values.size(),
                                    kLeastSamples));
      Moments moments;
      for (const double value : values) moments.add(value);
      at.targets.push_back(
          {target, moments.mean(), moments.deviation(), Empirical(std::move(values), 0.0)});
    }
  check(table, name);
  return table;
}

}  // namespace ohmic::devices
