#pragma once

#include "lab/sweep/point_plan.h"

/// The points of a sweep: which there are, and what is done at each.
namespace ohmic::lab {

/// Random samples are uniform; of a Latin hypercube, each of `points` equal parts of every axis is
/// met once (McKay, Beckman, Conover, Technometrics 21 (1979) 239). The values point into the axes
/// of `base`. ConfigError for a grid beyond the most points that a sweep may have, an axis without
/// values, or none at all.
PointValues sweep_grid(const Experiment& base);

/// The experiment of one point, with a seed of its own where points are independent.
Experiment point_experiment(const Experiment& base, const PointValues& grid, std::size_t point);

/// Checks every point before the first is run and names it. ConfigError, ShapeError or FileError
/// with the point's values in front: a key that is none, values that do not fit together, a network
/// that does not fit the data, points of a grid that are one and the same experiment.
std::vector<PointPlan> check_sweep(const Experiment& base, const PointValues& grid, DataSets& data);

}  // namespace ohmic::lab
