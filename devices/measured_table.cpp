#include "devices/measured_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/statistics.h"
#include "devices/measured_units.h"
#include "io/array_file.h"
#include "io/config.h"
#include "io/remark.h"
#include "io/text_table.h"

namespace ohmic::devices {
namespace {

constexpr double kEarliest = 1e-15, kLatest = 1e15;  // [s]; ratios of times stay finite

/// What a column holds, where it stands among the file's, and what its numbers mean.
struct Column {
  enum class Kind { target, mean, sigma, sample, time } kind;
  std::size_t place = 0;
  ConductanceUnit unit = {};      ///< not of times
  double seconds = 1;             ///< of times: one unit [s]
  bool takes_given_unit = false;  ///< names none itself
};
using Kind = Column::Kind;

const std::map<std::string, Kind> kKinds{{"target", Kind::target},
                                         {"mean", Kind::mean},
                                         {"std", Kind::sigma},
                                         {"sample", Kind::sample},
                                         {"time", Kind::time}};

std::optional<double> time_unit(const std::string& unit) {
  const std::map<std::string, double> units{{"s", 1}, {"min", 60}, {"h", 3600}, {"day", 86400}};
  const auto found = units.find(unit);
  return found == units.end() ? std::nullopt : std::optional(found->second);
}

bool has(const std::vector<Column>& columns, Kind kind) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Column& c) { return c.kind == kind; });
}

/// The columns that the header names. One that has a known name and no unit that fits is an error,
/// unless another column has that name and a unit ("sample_uS" beside "sample_id").
/// `note` becomes what the user should know of the others.
std::vector<Column> named_columns(const TextTable& table, const std::string& default_unit,
                                  std::string& note) {
  std::vector<Column> columns;
  std::vector<std::size_t> others;
  const TableRow& header = table.header();
  const auto where = [&](std::size_t c) {
    return table.at(header[c]) + "column " + std::string(header[c].text);
  };
  for (std::size_t c = 0; c < header.size(); ++c) {
    const auto [name, unit] = column_name(header[c].text);
    const auto found = kKinds.find(name);
    if (found == kKinds.end()) {
      others.push_back(c);
      continue;
    }
    Column column{.kind = found->second, .place = c};
    bool fits = true;
    if (column.kind == Kind::time) {
      const auto seconds = time_unit(unit);
      fits = seconds.has_value();
      column.seconds = seconds.value_or(1);
    } else {
      const auto read = find_conductance_unit(unit.empty() ? default_unit : unit);
      fits = read.has_value();
      if (fits) column.unit = *read;
      column.takes_given_unit = unit.empty();
    }
    if (!fits)
      others.push_back(c);
    else if (has(columns, column.kind))
      throw ConfigError(where(c) + ": there is a column " + name + " already");
    else
      columns.push_back(column);
  }
  std::string ignored;
  for (const std::size_t c : others) {
    const auto [name, unit] = column_name(header[c].text);
    if (const auto found = kKinds.find(name);
        found != kKinds.end() && !has(columns, found->second)) {
      const bool is_time = found->second == Kind::time;
      if (unit.empty())
        throw ConfigError(where(c) + " has no unit; write " + name + (is_time ? "_s" : "_uS") +
                          (is_time ? ""
                                   : ", or give the unit of all as device.file_unit "
                                     "(info --fit: --unit)"));
      throw ConfigError(where(c) + ": unknown unit '" + unit + "' of a " +
                        (is_time ? "time; known are s, min, h, day"
                                 : std::string("conductance; known are ") + kConductanceUnits));
    }
    ignored += (ignored.empty() ? "'" : ", '") + std::string(header[c].text) + "'";
  }
  if (!has(columns, Kind::target) || has(columns, Kind::mean) == has(columns, Kind::sample) ||
      has(columns, Kind::sigma) == has(columns, Kind::sample))
    throw ConfigError(table.at(header.front()) +
                      "a table has columns target_UNIT, mean_UNIT, std_UNIT, or target_UNIT, "
                      "sample_UNIT" +
                      (ignored.empty() ? "" : "; not read are " + ignored));
  if (!ignored.empty()) note = table.at(header[others.front()]) + "not read: " + ignored;
  return columns;
}

/// Columns of a file without names; `where` begins messages.
std::vector<Column> unnamed_columns(std::size_t count, const std::string& unit,
                                    const std::string& where) {
  if (unit.empty())
    throw ConfigError(where +
                      "a file without column names needs device.file_unit = \"uS\" (info --fit: "
                      "--unit uS), one of " +
                      kConductanceUnits);
  if (count < 2 || count > 4)
    throw FileError(fmt::format(
        "{}{} columns; expected target and sample, or target, mean, std (and time)", where, count));
  std::vector<Column> columns{{.kind = Kind::target, .place = 0}};
  if (count == 2) columns.push_back({.kind = Kind::sample, .place = 1});
  if (count > 2) columns.push_back({.kind = Kind::mean, .place = 1});
  if (count > 2) columns.push_back({.kind = Kind::sigma, .place = 2});
  for (Column& column : columns) {
    column.unit = conductance_unit(unit, where + "file_unit", true);
    column.takes_given_unit = true;
  }
  if (count == 4) columns.push_back({.kind = Kind::time, .place = 3});
  return columns;
}

/// The numbers of a file, and the place of each for messages.
struct Numbers {
  std::string file = {};
  std::vector<Column> columns;
  std::size_t rows = 0;
  std::string note = {};  ///< what the user should know of columns that are not read
  std::function<double(std::size_t row, const Column&)> value;
  std::function<std::string(std::size_t row, const Column&)> at;  ///< ends in ": "
};

Numbers read_text(const std::filesystem::path& file, const MeasuredReading& reading) {
  const auto table = std::make_shared<const TextTable>(file);
  Numbers out;
  out.file = file.string();
  out.columns = table->header().empty() ? unnamed_columns(table->columns(), reading.unit,
                                                          table->at(table->rows().front().front()))
                                        : named_columns(*table, reading.unit, out.note);
  out.rows = table->rows().size();
  const auto field = [table](std::size_t row, const Column& column) -> const TableField& {
    return table->rows()[row][column.place];
  };
  out.value = [table, field](std::size_t row, const Column& c) {
    return table->number(field(row, c));
  };
  out.at = [table, field](std::size_t row, const Column& c) { return table->at(field(row, c)); };
  return out;
}

Numbers read_array(const std::string& name, const MeasuredReading& reading) {
  const auto array = std::make_shared<const Matrix<float>>(read_matrix(name, "device.file"));
  Numbers out;
  out.file = name;
  out.columns =
      unnamed_columns(static_cast<std::size_t>(array->columns()), reading.unit, name + ": ");
  out.rows = static_cast<std::size_t>(array->rows());
  out.value = [array](std::size_t row, const Column& c) {
    return double{(*array)(static_cast<Index>(row), static_cast<Index>(c.place))};
  };
  out.at = [name](std::size_t row, const Column& c) {
    return fmt::format("{}: row {}, column {}: ", name, row + 1, c.place + 1);
  };
  return out;
}

/// A number as a conductance [S], or as a time [s].
class Conversion {
 public:
  Conversion(const MeasuredReading& reading, const Numbers& numbers) : reading_(reading) {
    for (const Column& c : numbers.columns) {
      if (c.kind == Kind::time) continue;
      const std::string where = numbers.at(0, c);
      if (c.unit.kind == ConductanceUnit::Kind::current && !reading.read_voltage)
        throw ConfigError(where + "a current [" + c.unit.name +
                          "] needs device.read_voltage_v, the voltage of the read-out (info --fit: "
                          "--read-voltage)");
      if (c.unit.kind == ConductanceUnit::Kind::resistance && c.kind == Kind::sigma)
        throw ConfigError(where + "a deviation in " + c.unit.name +
                          " is none of conductances; give std in uS, or samples");
    }
  }

  double operator()(double value, const Column& column, const std::string& at) {
    if (column.kind == Kind::time) return time(value * column.seconds, at);
    const bool is_resistance = column.unit.kind == ConductanceUnit::Kind::resistance;
    if (is_resistance && value <= 0)
      throw FileError(at + shortest(value) + " " + column.unit.name +
                      " is not a resistance, expected one above 0");
    if (value < 0) {
      const bool is_read_out = column.kind == Kind::sample || column.kind == Kind::mean;
      if (!is_read_out || !reading_.clips_negative)
        throw FileError(at + shortest(value) + " is negative" +
                        (is_read_out ? "; device.negative = \"clip\" (info --fit: --negative clip) "
                                       "takes such read-outs as 0"
                                     : ""));
      ++clipped_;
      if (first_clipped_.empty()) first_clipped_ = at;
      value = 0;
    }
    const double g = column.unit.siemens(value, reading_.read_voltage.value_or(1));
    if (!(g <= kMostSiemens))
      throw ConfigError(
          fmt::format("{}{} {} is {:.4g} S, which no cell conducts (1 S is a metal "
                      "wire); is the unit another one?",
                      at, shortest(value), column.unit.name, g));
    return g;
  }
  void remark_on_clipped() const {
    if (clipped_ > 0)
      remark(
          fmt::format("{}{} read-out{} below 0 taken as 0 (negative = \"clip\"); here is the "
                      "first",
                      first_clipped_, clipped_, clipped_ == 1 ? "" : "s"));
  }

 private:
  static double time(double seconds, const std::string& at) {
    if (seconds < 0) throw FileError(at + shortest(seconds) + " s is negative");
    if (seconds > 0 && (seconds < kEarliest || seconds > kLatest))
      throw ConfigError(fmt::format("{}{} s is not a time between {} s and {} s", at,
                                    shortest(seconds), shortest(kEarliest), shortest(kLatest)));
    return seconds;
  }

  const MeasuredReading& reading_;
  std::int64_t clipped_ = 0;
  std::string first_clipped_;
};

std::string in_uS(double g) { return shortest(g * 1e6) + " uS"; }

/// What one time's rows say of one target.
struct TargetRows {
  std::size_t first_row = 0;
  double mean = 0, sigma = 0;
  std::vector<double> samples;
};
struct TimeRows {
  std::size_t first_row = 0;
  double last_target = 0;
  std::map<double, TargetRows> targets;
};

/// " at 3 s" where there are several times.
std::string when(const std::map<double, TimeRows>& times, double seconds) {
  return times.size() > 1 ? " at " + shortest(seconds) + " s" : "";
}

/// All rows, sorted by time and target.
std::map<double, TimeRows> sorted_rows(const Numbers& numbers, const MeasuredReading& reading) {
  std::map<double, TimeRows> times;
  Conversion convert(reading, numbers);
  const bool has_samples = has(numbers.columns, Kind::sample);
  const Column& target_column =
      *std::find_if(numbers.columns.begin(), numbers.columns.end(),
                    [](const Column& c) { return c.kind == Kind::target; });
  for (std::size_t r = 0; r < numbers.rows; ++r) {
    double values[5] = {};  // by kind
    for (const Column& column : numbers.columns)
      values[static_cast<int>(column.kind)] =
          convert(numbers.value(r, column), column, numbers.at(r, column));
    const auto value = [&values](Kind kind) { return values[static_cast<int>(kind)]; };
    const double target = value(Kind::target);
    TimeRows& time = times.try_emplace(value(Kind::time), TimeRows{r, target, {}}).first->second;
    const auto [at_target, is_new] = time.targets.try_emplace(target, TargetRows{r, 0, 0, {}});
    if (has_samples) {
      at_target->second.samples.push_back(value(Kind::sample));
      continue;
    }
    const std::string at = numbers.at(r, target_column);
    if (!is_new) throw FileError(at + "target " + in_uS(target) + " appears twice");
    if (target < time.last_target && target_column.unit.kind != ConductanceUnit::Kind::resistance)
      throw FileError(at + "target " + in_uS(target) + " comes after " + in_uS(time.last_target) +
                      "; targets must ascend");
    time.last_target = target;
    at_target->second.mean = value(Kind::mean);
    at_target->second.sigma = value(Kind::sigma);
  }
  if (!numbers.note.empty()) remark(numbers.note);
  convert.remark_on_clipped();
  const auto any = [&](auto is_so) {
    return std::any_of(numbers.columns.begin(), numbers.columns.end(), is_so);
  };
  const std::string file = numbers.file + ": device.";
  if (!reading.unit.empty() && !any([](const Column& c) { return c.takes_given_unit; }))
    remark(file + "file_unit has no effect: every column names its unit");
  if (reading.read_voltage &&
      !any([](const Column& c) { return c.unit.kind == ConductanceUnit::Kind::current; }))
    remark(file + "read_voltage_v has no effect: no column is a current");
  return times;
}

}  // namespace

MeasuredTable read_measured_table(const std::filesystem::path& file,
                                  const MeasuredReading& reading) {
  std::string extension = file.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool is_text = extension == ".csv" || extension == ".tsv" || extension == ".txt";
  const Numbers numbers = is_text ? read_text(file, reading) : read_array(file.string(), reading);
  MeasuredTable table;
  table.has_samples = has(numbers.columns, Kind::sample);
  std::map<double, TimeRows> times = sorted_rows(numbers, reading);
  const Column& first_column = numbers.columns.front();
  for (auto& [seconds, time] : times) {
    MeasuredTable::AtTime& out = table.times.emplace_back();
    out.seconds = seconds;
    for (auto& [target, rows] : time.targets) {
      if (!table.has_samples) {
        out.targets.push_back({target, rows.mean, rows.sigma, {}});
        continue;
      }
      if (rows.samples.size() < kLeastSamples)
        throw FileError(fmt::format("{}target {}{} has {} samples; at least {} are needed",
                                    numbers.at(rows.first_row, first_column), in_uS(target),
                                    when(times, seconds), rows.samples.size(), kLeastSamples));
      Moments moments;
      for (const double value : rows.samples) moments.add(value);
      out.targets.push_back(
          {target, moments.mean(), moments.deviation(), Empirical(std::move(rows.samples), 0.0)});
    }
    const std::string at = numbers.at(time.first_row, first_column);
    if (out.targets.size() < 2)
      throw FileError(at + "1 target" + when(times, seconds) + "; at least 2 are needed");
    const auto& first = table.times.front().targets;
    if (!std::equal(out.targets.begin(), out.targets.end(), first.begin(), first.end(),
                    [](const auto& a, const auto& b) { return a.target == b.target; }))
      throw FileError(at + "has other targets" + when(times, seconds));
  }
  return table;
}

}  // namespace ohmic::devices
