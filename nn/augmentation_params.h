#pragma once

#include <cstdint>

#include "io/fields.h"
#include "nn/shape.h"

namespace ohmic::nn {

/// The keys of `[training]` that begin with augment_; by default nothing changes.
struct AugmentationParams {
  bool flip = false;
  std::int64_t crop_pixels = 0, cutout_pixels = 0;
  double rotation_degrees = 0;
  bool is_on() const {
    return flip || crop_pixels > 0 || cutout_pixels > 0 || rotation_degrees > 0;
  }
};
void fields(FieldVisitor& f, AugmentationParams& params);

/// ConfigError at the key where images of this shape would be moved out of sight or hidden whole.
void check_augmentation(const AugmentationParams& params, const Shape& shape);

}  // namespace ohmic::nn
