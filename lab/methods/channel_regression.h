#pragma once

#include "lab/methods/kind.h"

/// Corrections that every chip finds from unlabelled training images: a least-squares map from what
/// its layers give to what the clean network gives.
namespace ohmic::lab {

struct RegressionOptions {
  std::int64_t images = 512;
  double strength = 1e-4;  ///< times trace / rows of the Gram matrix
  bool reads_input = true;
};

MethodKind affine_kind();
MethodKind ridge_kind();

enum class Regression { affine, ridge };

/// Layer by layer, the least-squares correction from what the chip gives to what the clean network
/// gives on `clean`'s images. affine: a scale and a shift per channel. ridge: convolutions mix all
/// channels (and, where asked for, the pooled input of the layer), linear layers are affine. Closed
/// form (LDLT). `reader` names the chip and the read (kCalibrationRead).
void calibrate(Regression kind, const RegressionOptions& options, const CleanActivations& clean,
               const ReadContext& reader, Chip& chip);

}  // namespace ohmic::lab
