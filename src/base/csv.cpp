#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/array_file.h"
#include "base/error.h"

namespace ohmic {
namespace {

constexpr std::string_view kBlanks = " \t";

struct CsvField {
  std::string_view text;
  std::size_t column;  // 1-based, in bytes
};

/// ';' where the file has one (then a decimal comma is no separator), else ',', else blanks.
char separator_of(std::string_view text) {
  char separator = ' ';
  bool comment = false;
  for (char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (comment) continue;
    if (c == ';') return ';';
    if (c == ',') separator = ',';
  }
  return separator;
}

CsvField trimmed(std::string_view line, std::size_t first, std::size_t end) {
  while (first < end && kBlanks.find(line[first]) != kBlanks.npos) ++first;
  while (end > first && kBlanks.find(line[end - 1]) != kBlanks.npos) --end;
  return {line.substr(first, end - first), first + 1};
}

std::vector<CsvField> split(std::string_view line, char separator) {
  std::vector<CsvField> result;
  if (separator != ' ') {
    for (std::size_t first = 0; first <= line.size();) {
      const std::size_t end = std::min(line.find(separator, first), line.size());
      result.push_back(trimmed(line, first, end));
      first = end + 1;
    }
    return result;
  }
  for (std::size_t first = 0;;) {
    first = line.find_first_not_of(kBlanks, first);
    if (first == line.npos) return result;
    const std::size_t end = std::min(line.find_first_of(kBlanks, first), line.size());
    result.push_back({line.substr(first, end - first), first + 1});
    first = end;
  }
}

std::optional<double> number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars does not say on which side; strtod gives 0 or infinity.
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
  }
  return value;
}

/// A line of column names: nothing in it is a number or begins like one.
bool is_header(const std::vector<CsvField>& row) {
  for (const CsvField& field : row)
    if (number(field.text) || field.text.find_first_of("0123456789+-.") == 0) return false;
  return true;
}

}  // namespace

Matrix<double> read_csv(const std::filesystem::path& file) {
  const std::string contents = read_whole_file(file);
  const auto fail = [&](const std::string& place, const std::string& what) {
    throw FileError(file.string() + place + ": " + what);
  };
  if (contents.find('\0') != contents.npos) fail("", "is a binary file, expected CSV");
  std::string_view rest = contents;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  const char separator = separator_of(rest);

  std::vector<double> values;
  std::size_t columns = 0, first_line = 0;
  bool may_be_header = true;
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    line = line.substr(0, line.find('#'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(kBlanks) == line.npos) continue;

    const std::vector<CsvField> row = split(line, separator);
    const bool skipped = may_be_header && is_header(row);
    may_be_header = false;
    if (skipped) continue;
    for (const CsvField& field : row) {
      const auto value = number(field.text);
      if (!value)
        fail(fmt::format(":{}:{}", line_number, field.column),
             field.text.empty() ? "an empty field, expected a number"
                                : fmt::format("'{}' is no number", field.text));
      values.push_back(*value);
    }
    if (columns == 0) {
      columns = row.size();
      first_line = line_number;
    } else if (row.size() != columns) {
      fail(fmt::format(":{}", line_number),
           fmt::format("a row of {}, expected {} as in line {}", row.size(), columns, first_line));
    }
  }
  if (values.empty()) fail("", "holds no numbers");
  Matrix<double> matrix(static_cast<Index>(values.size() / columns), static_cast<Index>(columns));
  std::copy(values.begin(), values.end(), matrix.data());
  return matrix;
}

void write_csv(const std::filesystem::path& file, ConstView<float> values) {
  std::string text;
  for (Index row = 0; row < values.rows(); ++row)
    for (Index col = 0; col < values.columns(); ++col)
      text += fmt::format("{}{}", values(row, col), col + 1 < values.columns() ? ',' : '\n');
  write_whole_file(file, text);
}

}  // namespace ohmic
