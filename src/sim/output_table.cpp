#include "sim/output_table.h"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "base/array_file.h"
#include "sim/converters.h"

namespace ohmic::sim {

void OutputTable::check_covers(const Quantiser& adc) const {
  const CodeRange<double> range = adc.codes<double>();
  const int last = first + static_cast<int>(mean.size()) - 1;
  for (const double code : {range.low, range.high})
    if (code < first || code > last)
      throw ConfigError(
          fmt::format("{}: has no code {}, which the ADC gives ({} .. {}; the table has "
                      "{} .. {})",
                      file.string(), code, range.low, range.high, first, last));
}

OutputTable read_output_table(const std::filesystem::path& file) {
  const Matrix<double> rows = read_csv(file);
  const std::string name = file.string();
  if (rows.columns() != 3)
    throw FileError(fmt::format("{}: {} columns; expected code, mean, std", name, rows.columns()));
  std::map<int, std::pair<double, double>> entries;
  for (Index r = 0; r < rows.rows(); ++r) {
    const double code = rows(r, 0);
    if (code != std::floor(code) || std::fabs(code) > 65536)
      throw FileError(fmt::format("{}: row {}: {} is no code", name, r + 1, shortest(code)));
    if (!std::isfinite(rows(r, 1)) || !(rows(r, 2) >= 0) || !std::isfinite(rows(r, 2)))
      throw FileError(fmt::format("{}: row {}: no mean and deviation", name, r + 1));
    if (!entries.emplace(static_cast<int>(code), std::pair(rows(r, 1), rows(r, 2))).second)
      throw FileError(fmt::format("{}: row {}: code {} stands there twice", name, r + 1, code));
  }
  if (entries.empty()) throw FileError(name + ": has no rows");
  OutputTable table{.file = file, .first = entries.begin()->first, .mean = {}, .sigma = {}};
  int next = table.first;
  for (const auto& [code, entry] : entries) {
    if (code != next) throw FileError(fmt::format("{}: code {} is missing", name, next));
    ++next;
    table.mean.push_back(static_cast<float>(entry.first));
    table.sigma.push_back(static_cast<float>(entry.second));
  }
  return table;
}

}  // namespace ohmic::sim
