#pragma once

#include <map>
#include <memory>

#include "lab/experiment.h"
#include "nn/dataset.h"

/// The points of a sweep: which there are, and what each of them needs.
namespace ohmic::lab {

/// All points in their order: a grid (the last axis changing fastest) or a drawn sample. The values
/// point into the axes of the SweepParams that they were made of.
struct SweepGrid {
  bool is_sampled = false;
  std::vector<std::vector<PointValue>> points;
};

/// Random samples are uniform; of a Latin hypercube, each of `points` equal parts of every axis is
/// met once (McKay, Beckman, Conover, Technometrics 21 (1979) 239). ConfigError for a grid beyond
/// the most points that a sweep may have, an axis without values, or none at all.
SweepGrid sweep_grid(const Experiment& base);

/// Data sets, read once each.
class DataSets {
 public:
  /// What the experiment reads. FileError, ConfigError (at its key).
  const nn::Data& of(const Experiment& experiment);

 private:
  std::map<std::string, std::unique_ptr<nn::Data>> loaded_;
};

/// One point, checked.
struct SweepPoint {
  std::string words;     ///< "device.sigma 0.3, adc.bits 6"
  std::string digest;    ///< of everything that its results depend on: the name of its file
  std::string training;  ///< equal where points need the same trainings
  std::string network;   ///< equal where the method prepares the same network from them
  std::string cells;     ///< equal where their chips hold the same programmed cells
  std::vector<std::string> notes;  ///< on keys that cannot act there
};

/// The experiment of one point, with a seed of its own where points are independent.
Experiment point_experiment(const Experiment& base, const SweepGrid& grid, std::size_t point);

/// Checks every point before the first is run and names it. ConfigError, ShapeError or FileError
/// with the point's values in front: a key that is none, values that do not fit together, a network
/// that does not fit the data, points of a grid that are one and the same experiment.
std::vector<SweepPoint> check_points(const Experiment& base, const SweepGrid& grid, DataSets& data);

}  // namespace ohmic::lab
