#pragma once

#include "lab/results/results.h"
#include "lab/sweep/gathered_points.h"

/// A sweep's points as one file and one table.
namespace ohmic::lab {

/// DIR/results.h5 (docs/results_format.md): in the root group the axes as coordinates and the
/// metrics over them. Whatever stood there is replaced. FileError.
void write_sweep(const std::filesystem::path& file, const Experiment& base, const PointValues& grid,
                 const GatheredPoints& results, const ResultsIdentity& identity,
                 const Provenance& provenance);

/// Rows "values, mean +- sd, interval", best first, at most `rows`.
std::string best_points(const Experiment& base, const std::vector<PointPlan>& points,
                        const GatheredPoints& results, std::size_t rows);

}  // namespace ohmic::lab
