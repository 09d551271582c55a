#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/compensated.h"
#include "nn/deployment.h"
#include "nn/network.h"
#include "sim/ensemble.h"

/// What methods work on: a network mapped to hardware, and one chip of it.
namespace ohmic::lab {

/// A trained network mapped to hardware: what is the same for every chip.
struct HardwarePlan {
  std::vector<std::optional<sim::LayerPlan>> layers;  ///< one per MAC layer; none stays digital
  std::size_t tiles() const;
  std::int64_t cells() const;
};

/// The layers of one programmed chip: one per MAC layer, null where it stays digital.
using ProgrammedLayers = std::vector<std::shared_ptr<const sim::Ensemble>>;

/// Whose chip it is, and how often it holds every matrix.
struct ChipKind {
  devices::Population population = devices::Population::reported;
  Index members = 1;
  Index best = 1;  ///< members that are averaged for an output
  /// Layers whose cells are taken as they are; null: cells are programmed.
  const ProgrammedLayers* cells = nullptr;
};

/// Sum of |y| of every output of every MAC layer (empty: digital) over some images and positions.
using OutputMagnitudes = std::vector<std::vector<double>>;

/// A deployed network with its numbers (batch-norm statistics may be the chip's own).
struct Chip {
  const nn::Network& network;
  nn::ParameterSet<float> parameters;
  nn::Deployment deployment;
  std::vector<sim::CellCounts> cells = {};  ///< one per MAC layer
  ProgrammedLayers programmed = {};         ///< at time 0, uncorrected
  OutputMagnitudes fresh = {};              ///< theirs at time 0; empty without drift compensation
};

/// Read number of calibration: no evaluation uses it.
inline constexpr Index kCalibrationRead = 255;

/// Numbers that every chip keeps for its corrections, and what they compute per image.
nn::Overhead correction_overhead(const nn::Deployment& deployment);

}  // namespace ohmic::lab
