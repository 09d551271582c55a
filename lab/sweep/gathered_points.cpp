#include "lab/sweep/gathered_points.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "base/console.h"
#include "lab/experiment/hardware_words.h"

namespace ohmic::lab {

std::size_t GatheredPoints::count(std::int64_t which) const {
  return static_cast<std::size_t>(std::count(status.begin(), status.end(), which));
}

std::int64_t GatheredPoints::cells_verified() const {
  std::int64_t sum = 0;
  for (const auto& point : points)
    if (point) sum += point->cells_within_tolerance + point->cells_gave_up;
  return sum;
}

std::string verification_words(const std::vector<PointPlan>& points,
                               const GatheredPoints& results) {
  std::int64_t within = 0, gave_up = 0;
  double most = 0;
  std::string worst;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!results.points[i]) continue;
    const PointResult& point = *results.points[i];
    const std::int64_t cells = point.cells_within_tolerance + point.cells_gave_up;
    within += point.cells_within_tolerance;
    gave_up += point.cells_gave_up;
    const double fraction = static_cast<double>(point.cells_gave_up) /
                            static_cast<double>(std::max<std::int64_t>(cells, 1));
    if (fraction <= most) continue;
    most = fraction;
    worst = fmt::format("{} of {} at {}", grouped(point.cells_gave_up), grouped(cells),
                        points[i].words);
  }
  if (within + gave_up == 0) return "";
  return verification_line(within, gave_up, "most: " + worst);
}

GatheredPoints gather_points(const std::vector<PointPlan>& points, const PointFolder& folder,
                             bool mixed) {
  GatheredPoints all;
  std::set<std::string> arithmetic;
  for (const PointPlan& point : points) {
    all.points.push_back(folder.result(point.digest, &all.quarantined));
    const auto failure = all.points.back() ? std::nullopt : folder.failure(point.digest);
    all.status.push_back(all.points.back() ? 0 : failure ? 1 : 2);
    all.message.push_back(failure ? failure->substr(0, failure->find('\n')) : "");
    if (all.points.back()) arithmetic.insert(all.points.back()->arithmetic);
  }
  if (arithmetic.size() > 1 && !mixed)
    throw ConfigError(folder.folder().string() +
                      ": its points come from instruction sets that differ in their last digits (" +
                      *arithmetic.begin() + ", " + *arithmetic.rbegin() +
                      "); --mix-instruction-sets merges them all the same");
  return all;
}

std::string points_table(const PointValues& grid, const std::vector<PointPlan>& points) {
  const auto quoted = [](const std::string& text) {
    if (text.find_first_of(",\"\n") == text.npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  std::string table = "point,digest";
  for (const PointValue& value : grid.points.front()) table += "," + quoted(value.key->key);
  table += "\n";
  for (std::size_t i = 0; i < points.size(); ++i) {
    table += std::to_string(i) + "," + points[i].digest;
    for (const PointValue& value : grid.points[i]) table += "," + quoted(value.name);
    table += "\n";
  }
  return table;
}

std::vector<PointPlan> listed_points(const std::string& table) {
  const auto cells = [](const std::string& line) {
    std::vector<std::string> out(1);
    bool is_quoted = false;
    for (const char c : line)
      if (c == '"')
        is_quoted = !is_quoted;
      else if (c == ',' && !is_quoted)
        out.emplace_back();
      else
        out.back() += c;
    return out;
  };
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> keys = cells(line);
  std::vector<PointPlan> points;
  while (std::getline(lines, line)) {
    const std::vector<std::string> row = cells(line);
    PointPlan point;
    for (std::size_t k = 2; k < std::min(row.size(), keys.size()); ++k)
      point.words += (k > 2 ? ", " : "") + keys[k] + " " + row[k];
    if (row.size() > 1) point.digest = row[1];
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace ohmic::lab
