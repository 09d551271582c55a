#include "io/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "io/whole_file.h"

namespace ohmic {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::size_t kLongestShown = 40;
constexpr std::uintmax_t kLargestText = std::uintmax_t{1} << 28;  // larger matrices come as .npy

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// A field as messages show it: no control characters, not too long.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kLongestShown))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f
               ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c))
               : std::string(1, c);
  return "'" + out + (text.size() > kLongestShown ? "...'" : "'");
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Calls visit(position) for every character of `line` outside double quotes.
template <class Visit>
void outside_quotes(std::string_view line, Visit visit) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (line[i] == '"')
      quoted = !quoted;
    else if (!quoted)
      visit(i);
}

/// A tab that pads a comma ("1,\t2") separates nothing by itself.
bool is_beside_comma(std::string_view line, std::size_t tab) {
  const std::size_t before = tab == 0 ? line.npos : line.find_last_not_of(kBlanks, tab - 1);
  const std::size_t after = line.find_first_not_of(kBlanks, tab);
  return (before != line.npos && line[before] == ',') || (after != line.npos && line[after] == ',');
}

/// What stands between the fields of `line`; '\0' where it has but one field.
char separator_of(std::string_view line) {
  bool semicolon = false, tab = false, comma = false, blank = false;
  outside_quotes(line, [&](std::size_t i) {
    semicolon = semicolon || line[i] == ';';
    comma = comma || line[i] == ',';
    tab = tab || (line[i] == '\t' && !is_beside_comma(line, i));
    blank = blank || is_blank(line[i]);
  });
  return semicolon ? ';' : tab ? '\t' : comma ? ',' : blank ? ' ' : '\0';
}

std::optional<double> parsed(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  // from_chars does not say on which side a number is out of range; strtod gives 0 or infinity.
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(text).c_str(), nullptr);
  return value;
}

/// What spreadsheets and programs write where there is no number ("#DIV/0!" begins with '#').
bool is_error_word(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const char* word : {"nan", "na", "n/a", "inf", "infinity", "null", "none", "-", "--", "?",
                           "error", "err", "overflow", "ovld"})
    if (lower == word) return true;
  return text.starts_with('#') && text.size() > 1;  // "#" alone names a column of row numbers
}

/// "#made by hand": no error word of a spreadsheet, which end in ! or ?, or are #N/A.
bool looks_like_comment(std::string_view text) {
  return text.starts_with('#') && !text.ends_with('!') && !text.ends_with('?') && text != "#N/A";
}

/// Names, and nothing that is, or begins like, a number or an error word. Columns without a name
/// are allowed (pandas writes its index so).
bool is_header(const TableRow& row) {
  bool has_name = false;
  for (const TableField& field : row) {
    if (parsed(field.text) || is_error_word(field.text) ||
        field.text.find_first_of("0123456789+-.,") == 0)
      return false;
    has_name = has_name || !field.text.empty();
  }
  return has_name;
}

/// "sep=;" as Excel writes it, possibly quoted; '\0' for another line.
char declared_separator(std::string_view line) {
  if (line.starts_with('"') && line.ends_with('"') && line.size() > 1)
    line = line.substr(1, line.size() - 2);
  if (line.size() < 5 || line[3] != '=') return '\0';
  for (std::size_t i = 0; i < 3; ++i)
    if (line[i] != "sep"[i] && line[i] != "SEP"[i] && line[i] != "Sep"[i]) return '\0';
  // Some programs pad this line to the table's width: "sep=;;;".
  return line.find_first_not_of(line[4], 4) == line.npos ? line[4] : '\0';
}

/// Characters of `line` before byte `at`, plus one.
std::size_t column_at(std::string_view line, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::count_if(
                 line.begin(), line.begin() + static_cast<std::ptrdiff_t>(at),
                 [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// Cuts a line into fields; `is_open` becomes true where a quote is not closed.
TableRow split(std::string_view line, std::size_t number, char separator, bool& is_open) {
  TableRow row;
  std::size_t counted = 0, column = 1;  // columns are counted once along the line
  const auto add = [&](std::size_t first, std::size_t end) {
    while (first < end && is_blank(line[first])) ++first;
    while (end > first && is_blank(line[end - 1])) --end;
    column += column_at(line.substr(counted), first - counted) - 1;
    counted = first;
    std::string_view text = line.substr(first, end - first);
    if (text.size() > 1 && text.starts_with('"') && text.ends_with('"'))
      text = trimmed(text.substr(1, text.size() - 2));
    row.push_back({text, number, column});
  };
  std::size_t first = 0;
  bool quoted = false;
  const bool by_blanks = separator == ' ';
  for (std::size_t i = 0; i <= line.size(); ++i) {
    const bool is_end = i == line.size();
    if (!is_end && line[i] == '"') quoted = !quoted;
    if (!is_end && (quoted || !(by_blanks ? is_blank(line[i]) : line[i] == separator))) continue;
    if (!by_blanks || i > first) add(first, i);
    first = i + 1;
  }
  is_open = quoted;
  return row;
}

bool is_empty(const TableRow& row) {
  return std::all_of(row.begin(), row.end(), [](const auto& field) { return field.text.empty(); });
}

constexpr const char* kDecimalCommaCure =
    " (a decimal comma is read where ; or a tab stands between fields)";

}  // namespace

TextTable::TextTable(const std::filesystem::path& file)
    : file_(file),
      contents_(std::make_shared<const std::string>(read_whole_file(file, kLargestText))) {
  const std::string_view all = *contents_;
  if (all.starts_with("\xff\xfe") || all.starts_with("\xfe\xff"))
    throw FileError(file.string() + ": is UTF-16 text; save it as CSV in UTF-8");
  if (all.find('\0') != all.npos)
    throw FileError(file.string() + ": is a binary file, expected CSV");
  within_memory(file, [this] { read_lines(); });
  if (rows_.empty())
    throw FileError(file.string() +
                    (header_.empty() && first_comment_.empty() && trimmed(all).empty()
                         ? ": is empty: holds no numbers"
                         : ": holds no numbers"));
}

void TextTable::read_lines() {
  std::string_view rest = *contents_;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    const bool is_pair = rest.substr(end).starts_with("\r\n");
    rest.remove_prefix(std::min(end + (is_pair ? 2 : 1), rest.size()));
    if (trimmed(line).empty()) continue;
    if (separator_ == '\0') {
      if (const char declared = declared_separator(line)) {
        separator_ = declared;
        continue;
      }
    }
    bool is_open = false;
    if (line[0] == '#' && (line.size() == 1 || is_blank(line[1]))) {
      if (number == 1) {
        const char own = separator_of(trimmed(line.substr(1)));
        first_comment_ = split(line.substr(1), number, own == '\0' ? ',' : own, is_open);
      }
      continue;
    }
    if (separator_ == '\0') separator_ = separator_of(trimmed(line));
    // One field so far: a comma as separator keeps it one, and the next line may say more.
    const bool is_unknown = separator_ == '\0';
    TableRow row = split(line, number, is_unknown ? ',' : separator_, is_open);
    if (is_open) fail(row.back(), "a quote is not closed in its line");
    add_row(std::move(row));
  }
}

void TextTable::add_row(TableRow row) {
  if (is_empty(row)) {
    if (!empty_row_) empty_row_ = row.front();
    return;
  }
  if (empty_row_) fail(*empty_row_, "an empty row, expected numbers");
  const bool is_first = header_.empty() && rows_.empty();
  const TableRow& like = rows_.empty() ? header_ : rows_.front();
  while (row.back().text.empty() && (is_first || row.size() > like.size())) row.pop_back();
  if (is_first && is_header(row)) {
    header_ = std::move(row);
    return;
  }
  // "#by hand" may have any number of fields; what is wrong with it is not their number.
  if (is_first && is_error_word(row.front().text)) number(row.front());
  if (!is_first && row.size() != like.size())
    fail(row.size() > like.size() ? row[like.size()] : row.back(),
         fmt::format("a row of {}, expected {} as in line {}{}", row.size(), like.size(),
                     like.front().line,
                     separator_ == ',' && row.size() > like.size() ? kDecimalCommaCure : ""));
  rows_.push_back(std::move(row));
}

std::string TextTable::at(const TableField& field) const {
  return fmt::format("{}:{}:{}: ", file_.string(), field.line, field.column);
}

void TextTable::fail(const TableField& field, const std::string& what) const {
  throw FileError(at(field) + what);
}

double TextTable::number(const TableField& field) const {
  if (field.text.empty()) fail(field, "an empty field, expected a number");
  std::string text(field.text);
  const std::size_t comma = text.find(',');
  if (comma != text.npos && (separator_ == ';' || separator_ == '\t')) {
    if (text.find('.') != text.npos || text.find(',', comma + 1) != text.npos)
      fail(field, shown(text) + " has a thousands separator; write the number without");
    text[comma] = '.';
    if (!parsed(text)) fail(field, shown(field.text) + " is not a number");
    if (!with_comma_) with_comma_ = field;
  } else if (text.find('.') != text.npos && !with_point_) {
    with_point_ = field;
  }
  // "1.234" beside "0,5" may be a thousand or a decimal fraction.
  if (with_comma_ && with_point_)
    fail(field, fmt::format("{} has a decimal {}, line {} a {}; use one of them in all numbers",
                            shown(field.text),
                            comma == text.npos || text[comma] == ',' ? "point" : "comma",
                            comma == field.text.npos ? with_comma_->line : with_point_->line,
                            comma == field.text.npos ? "comma" : "point"));
  const std::optional<double> value = parsed(text);
  if (!value)
    fail(field, is_error_word(text)
                    ? shown(text) + " is an error word, expected a number" +
                          (looks_like_comment(text) ? " (a comment begins with '# ')" : "")
                    : shown(text) + " is not a number" +
                          (text.find(',') != text.npos ? kDecimalCommaCure
                           : text.find('#') != text.npos
                               ? " (a comment needs a line of its own, behind '# ')"
                               : ""));
  if (!std::isfinite(*value))
    fail(field, shown(text) + (text.find_first_of("0123456789") == text.npos
                                   ? " is not a finite number"
                                   : " is too large for a number"));
  return *value;
}

}  // namespace ohmic
