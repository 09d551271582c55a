#include "sim/adc_lookup_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include "io/remark.h"
#include "io/text_table.h"
#include "sim/converters.h"

namespace ohmic::sim {

void LookupTable::check_covers(const Quantiser& adc) const {
  const CodeRange<double> range = adc.codes<double>();
  const int last = first + static_cast<int>(mean.size()) - 1;
  for (const double code : {range.low, range.high})
    if (code < first || code > last)
      throw ConfigError(
          fmt::format("{}: has no code {}, which the ADC gives ({} .. {}; the table has "
                      "{} .. {})",
                      file.string(), code, range.low, range.high, first, last));
}

namespace {

constexpr std::array<std::string_view, 3> kColumns{"code", "mean", "std"};

/// Where code, mean and std stand: by name where the header has all three, else in this order.
/// `note` becomes what the user should know of it.
std::array<std::size_t, 3> columns_of(const TextTable& table, std::string& note) {
  const TableRow& header = table.header();
  std::array<std::size_t, 3> places{0, 1, 2};
  std::size_t found = 0;
  for (std::size_t k = 0; k < kColumns.size(); ++k)
    for (std::size_t c = 0; c < header.size(); ++c) {
      if (header[c].text != kColumns[k]) continue;
      places[k] = c;
      ++found;
    }
  const std::string expected = "expected columns code, mean, std";
  if (found > kColumns.size()) table.fail(header.front(), "a name appears twice; " + expected);
  if (found < kColumns.size()) {
    if (found > 0 || table.columns() != kColumns.size())
      table.fail(header.empty() ? table.rows().front().front() : header.front(),
                 fmt::format("{} columns{}; {}", table.columns(),
                             header.empty() ? " without names" : "", expected));
    if (!header.empty())
      note = table.at(header.front()) + "names of columns, skipped: read as code, mean, std";
    return {0, 1, 2};
  }
  std::string ignored;
  for (std::size_t c = 0; c < header.size(); ++c)
    if (std::find(places.begin(), places.end(), c) == places.end())
      ignored += (ignored.empty() ? "'" : ", '") + std::string(header[c].text) + "'";
  if (!ignored.empty()) note = table.at(header.front()) + "not read: " + ignored;
  return places;
}

}  // namespace

LookupTable read_lookup_table(const std::filesystem::path& file) {
  const TextTable rows(file);
  std::string note;
  const auto [code_at, mean_at, sigma_at] = columns_of(rows, note);
  const std::string name = file.string();
  const auto moment = [&rows](const TableField& field) {
    const auto value = static_cast<float>(rows.number(field));
    if (std::isinf(value))
      throw ConfigError(rows.at(field) + std::string(field.text) +
                        " is beyond single precision (3.4e38)");
    return value;
  };
  std::map<int, std::pair<float, float>> entries;
  for (const TableRow& row : rows.rows()) {
    const double code = rows.number(row[code_at]);
    if (code != std::floor(code) || std::fabs(code) > 65536)
      rows.fail(row[code_at], shortest(code) + " is not a code");
    const float mean = moment(row[mean_at]), sigma = moment(row[sigma_at]);
    if (sigma < 0) rows.fail(row[sigma_at], "a deviation below 0");
    if (!entries.emplace(static_cast<int>(code), std::pair(mean, sigma)).second)
      rows.fail(row[code_at], fmt::format("code {} appears twice", code));
  }
  LookupTable table{.file = file, .first = entries.begin()->first, .mean = {}, .sigma = {}};
  int next = table.first;
  for (const auto& [code, entry] : entries) {
    if (code != next) throw FileError(fmt::format("{}: code {} is missing", name, next));
    ++next;
    table.mean.push_back(entry.first);
    table.sigma.push_back(entry.second);
  }
  if (!note.empty()) remark(note);
  return table;
}

}  // namespace ohmic::sim
