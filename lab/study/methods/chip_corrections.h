#pragma once

#include "base/statistics.h"
#include "lab/experiment/methods.h"
#include "lab/study/deploy.h"
#include "lab/study/drift.h"

/// Digital corrections behind the layers of a chip: found once for all chips, or on every chip from
/// unlabelled training images.
namespace ohmic::lab {

/// A deployed network with its numbers (batch-norm statistics may be the chip's own).
struct Chip {
  const nn::Network& network;
  nn::ParameterSet<float> parameters;
  nn::Deployment deployment;
  std::vector<sim::CellCounts> cells = {};  ///< one per MAC layer
  ProgrammedLayers programmed = {};         ///< at time 0, uncorrected
  OutputMagnitudes fresh = {};              ///< theirs at time 0; empty without drift compensation
};

/// Numbers that every chip keeps for its corrections, and what they compute an image.
nn::Overhead correction_overhead(const nn::Deployment& deployment);

/// Divides every product by the mean of what programming (and drift) multiplies weights with: one
/// factor per layer, from the means of its cells as `options` programs them (verified ones at what
/// verification leaves, cells at their targets there); free.
void add_mean_correction(const HardwarePlan& plan, const sim::ChipOptions& options, Chip& chip);

enum class CalibrationKind { affine, ridge };

/// Layer by layer, the least-squares correction from what the chip gives to what the clean network
/// gives on `clean`'s images. affine: a scale and a shift a channel. ridge: convolutions mix all
/// channels (and, where asked for, the pooled input of the layer), linear layers are affine. Closed
/// form (LDLT). `reader` names the chip and the read (kCalibrationRead).
void calibrate(CalibrationKind kind, const CalibrationOptions& options,
               const CleanActivations& clean, ReadContext reader, Chip& chip);

/// Batch-norm statistics re-estimated on the chip from `images` (sequentially: earlier layers
/// first). ConfigError for a network without digital batch-norm.
void reestimate_batch_norm(const CleanActivations& clean, ReadContext reader, Chip& chip);

/// Read number of calibration: no evaluation uses it.
inline constexpr Index kCalibrationRead = 255;

}  // namespace ohmic::lab
