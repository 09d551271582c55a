#include "lab/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/config.h"

namespace ohmic::lab {
namespace {

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += " " + markdown_cell(cell) + " |";
  return row + "\n";
}

std::string markdown_table(const Table& table) {
  std::string text = markdown_row(table.columns) + "|";
  for (std::size_t c = 0; c < table.columns.size(); ++c) text += c < table.words ? "---|" : "---:|";
  text += "\n";
  for (const std::vector<std::string>& row : table.rows) text += markdown_row(row);
  return text;
}

/// A field of a CSV file (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_number(double value) { return std::isnan(value) ? "" : shortest(value); }

/// A column of a table whose rows come from several grids.
class Columns {
 public:
  std::size_t of(const std::string& name) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found != names_.end()) return static_cast<std::size_t>(found - names_.begin());
    names_.push_back(name);
    return names_.size() - 1;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (std::size_t c = 0; c < fields.size(); ++c) row += (c ? "," : "") + csv_field(fields[c]);
  return row + "\n";
}

std::string grids_csv(const std::vector<PointGrid>& grids) {
  // Axes before metrics, whichever grid brings them.
  Columns columns;
  for (const PointGrid& grid : grids) {
    if (!grid.hardware.empty()) columns.of("hardware");
    for (const Dimension& dimension : grid.dimensions)
      for (const AxisValues& key : dimension.keys) columns.of(key.key);
  }
  for (const PointGrid& grid : grids)
    for (const AxisValues& axis : grid.sample_axes) columns.of(axis.key);
  for (const PointGrid& grid : grids)
    for (const Metric& metric : grid.metrics) columns.of(metric.name);
  std::string text = csv_row(columns.names());
  for (const PointGrid& grid : grids)
    for (std::size_t p = 0; p < grid.points(); ++p) {
      const std::vector<std::size_t> places = grid.places(p);
      for (std::size_t s = 0; s < grid.samples(); ++s) {
        std::vector<std::string> row(columns.names().size());
        if (!grid.hardware.empty()) row[columns.of("hardware")] = grid.hardware.front();
        for (std::size_t d = 0; d < places.size(); ++d)
          for (const AxisValues& key : grid.dimensions[d].keys)
            row[columns.of(key.key)] = key.words[places[d]];
        std::size_t rest = s;
        for (std::size_t a = grid.sample_axes.size(); a-- > 0;) {
          const AxisValues& axis = grid.sample_axes[a];
          row[columns.of(axis.key)] = axis.words[rest % axis.size()];
          rest /= axis.size();
        }
        bool is_measured = false;
        for (const Metric& metric : grid.metrics) {
          const double value = metric.values[p * grid.samples() + s];
          is_measured |= !std::isnan(value);
          row[columns.of(metric.name)] = csv_number(value);
        }
        if (is_measured) text += csv_row(row);
      }
    }
  return text;
}

std::string search_csv(const ReportSearch& search) {
  std::vector<std::string> header{"evaluation"};
  for (const std::string& layer : search.candidates) header.push_back("ratio." + layer);
  header.insert(header.end(), {"accuracy", "overhead_weights", "overhead_macs", "reward"});
  std::string text = csv_row(header);
  for (std::size_t i = 0; i < search.evaluations.size(); ++i) {
    const ReportPlacement& p = search.evaluations[i];
    std::vector<std::string> row{std::to_string(i)};
    for (const double ratio : p.ratio) row.push_back(csv_number(ratio));
    for (const double value : {p.accuracy, p.overhead, p.overhead_macs, p.reward})
      row.push_back(csv_number(value));
    text += csv_row(row);
  }
  return text;
}

}  // namespace

std::string report_markdown(const ReportData& report) {
  std::string text = "| | | |\n|---|---|---|\n";
  for (const Headline& h : headlines_of(report)) text += markdown_row({h.label, h.value, h.note});
  for (const Section& section : sections_of(report)) {
    if (section.tables.empty()) continue;
    text += "\n## " + section.title + "\n";
    for (const Table& table : section.tables) {
      if (!table.title.empty()) text += "\n### " + table.title + "\n";
      if (!table.note.empty()) text += "\n" + table.note + "\n";
      text += "\n" + markdown_table(table);
    }
  }
  return text;
}

std::string report_csv(const ReportData& report) {
  return report.search ? search_csv(*report.search) : grids_csv(report.grids);
}

}  // namespace ohmic::lab
