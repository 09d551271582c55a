#pragma once

#include "lab/results.h"
#include "lab/sweep/point_folder.h"
#include "lab/sweep/points.h"

/// A sweep's points as one file and one table.
namespace ohmic::lab {

/// What every point measured; none where it failed or is missing.
struct SweepResults {
  std::vector<std::optional<PointResult>> points;
  std::vector<std::int64_t> status;      ///< 0 done, 1 failed, 2 missing
  std::vector<std::string> message;      ///< of what failed, else ""
  std::vector<std::string> quarantined;  ///< files that were damaged and put aside
  std::size_t count(std::int64_t status) const;
};

/// Reads the files of all points. ConfigError where they come from instruction sets that give
/// different bits, unless `mixed` allows it.
SweepResults gather_points(const std::vector<SweepPoint>& points, const PointFolder& folder,
                           bool mixed);

/// DIR/results.h5 (docs/results_format.md): in the root group the axes as coordinates and the
/// metrics over them. Whatever stood there is replaced. FileError.
void write_sweep(const std::filesystem::path& file, const Experiment& base, const SweepGrid& grid,
                 const SweepResults& results, const ResultsIdentity& identity,
                 const Provenance& provenance);

/// DIR/points.csv: number, digest and values of every point.
std::string points_table(const SweepGrid& grid, const std::vector<SweepPoint>& points);

/// Rows "values, mean +- sd, interval", best first, at most `rows`.
std::string best_points(const Experiment& base, const std::vector<SweepPoint>& points,
                        const SweepResults& results, std::size_t rows);

}  // namespace ohmic::lab
