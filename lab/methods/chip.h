#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/compensated.h"
#include "nn/deployment.h"
#include "nn/network.h"
#include "sim/crossbar.h"

/// What methods work on: a network mapped to hardware, and one chip of it.
namespace ohmic::lab {

/// A trained network mapped to hardware: what is the same for every chip.
struct HardwarePlan {
  std::vector<std::optional<sim::LayerPlan>> layers;  ///< one per MAC layer; none stays digital
  std::size_t tiles() const;
  std::int64_t cells() const;
};

/// Whose chip it is, and how many copies of every matrix it holds.
struct ChipKind {
  devices::Population population = devices::Population::reported;
  Index copies = 1;
  Index best = 1;  ///< copies that are averaged for an output
  /// Products whose cells are taken as they are, one per MAC layer; null: cells are programmed.
  const std::vector<std::shared_ptr<const LinearOperator>>* cells = nullptr;
};

/// Sum of |y| of every output of every MAC layer (empty: digital) over some images and positions.
using OutputMagnitudes = std::vector<std::vector<double>>;

/// A deployed network with its numbers (batch-norm statistics may be the chip's own).
struct Chip {
  const nn::Network& network;
  nn::ParameterSet<float> parameters;
  nn::Deployment deployment;
  std::vector<sim::CellCounts> cells = {};  ///< one per MAC layer
  /// The bare products as programmed, at time 0.
  std::vector<std::shared_ptr<const LinearOperator>> programmed = {};
  OutputMagnitudes fresh = {};  ///< theirs at time 0; empty without drift compensation
};

/// Read number of calibration: no evaluation uses it.
inline constexpr Index kCalibrationRead = 255;

/// Numbers that every chip keeps for its corrections, and what they compute per image.
nn::Overhead correction_overhead(const nn::Deployment& deployment);

}  // namespace ohmic::lab
