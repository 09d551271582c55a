#pragma once

#include "lab/sweep/point_folder.h"
#include "lab/sweep/point_plan.h"

/// The files of all points, read back.
namespace ohmic::lab {

/// What every point measured; none where it failed or is missing.
struct GatheredPoints {
  std::vector<std::optional<PointResult>> points;
  std::vector<std::int64_t> status;      ///< 0 done, 1 failed, 2 missing
  std::vector<std::string> message;      ///< of what failed, else ""
  std::vector<std::string> quarantined;  ///< files that were damaged and put aside
  std::size_t count(std::int64_t status) const;
  std::int64_t cells_verified() const;  ///< by loops, of all points
};

/// How verifying loops ended, and where most cells gave up; empty without loops.
std::string verification_words(const std::vector<PointPlan>& points, const GatheredPoints& results);

/// Reads the files of all points. ConfigError where they come from instruction sets that give
/// different bits, unless `mixed` allows it.
GatheredPoints gather_points(const std::vector<PointPlan>& points, const PointFolder& folder,
                             bool mixed);

/// DIR/points.csv: number, digest and values of every point.
std::string points_table(const PointValues& values, const std::vector<PointPlan>& points);
/// Digests and words of the points that such a table lists.
std::vector<PointPlan> listed_points(const std::string& table);

}  // namespace ohmic::lab
