#pragma once

#include "lab/experiment/identity.h"
#include "lab/results/comparison.h"
#include "lab/sweep/gathered_points.h"

/// The points of a comparison: methods x training seeds x hardware x the axes of the config, on
/// the same networks, chips and images.
namespace ohmic::lab {

/// Its axes: "method", "training.seed", "compare.hardware", then those of [compare] (sigmas first).
std::vector<Axis> compare_axes(const CompareParams& params);

/// All combinations of their values, which point into `axes`.
PointValues compare_grid(const std::vector<Axis>& axes);

/// What is done at one of them: its network is trained as the base config says, with the point's
/// training seed, and measured on the point's hardware.
PointWork compare_work(const Experiment& base, const PointValues& grid, std::size_t point);

/// Checks every point before the first is run. ConfigError with the point's values in front, also
/// for an axis over anything that is not hardware.
std::vector<PointPlan> check_compare(const Experiment& base, const PointValues& grid,
                                     const std::string& data_digest, InputFiles& files);

/// What was measured at all points, all of which are done.
Comparison comparison_of(const Experiment& base, const GatheredPoints& points);

}  // namespace ohmic::lab
