#include "nn/augmentation_params.h"

#include <algorithm>

#include "base/error.h"

namespace ohmic::nn {

void fields(FieldVisitor& f, AugmentationParams& p) {
  f.field({.key = "augment_flip",
           .meaning = "mirror each training image, left to right, with probability 1/2 per epoch",
           .came_later = true},
          p.flip);
  f.field({.key = "augment_crop_pixels",
           .meaning = "move each training image per epoch by up to so many pixels down or up and "
                      "right or left, as a crop of the padded image does; what comes into view is "
                      "0, the channel's mean",
           .unit = "pixels",
           .low = 0,
           .high = 1e4,
           .came_later = true},
          p.crop_pixels);
  f.field({.key = "augment_cutout_pixels",
           .meaning = "hide a square of this side in each training image per epoch, its middle "
                      "anywhere in the image (cutout, DeVries and Taylor 2017); it becomes 0, the "
                      "channel's mean",
           .unit = "pixels",
           .low = 0,
           .high = 1e4,
           .came_later = true},
          p.cutout_pixels);
  f.field({.key = "augment_rotation_degrees",
           .meaning = "turn each training image per epoch by up to this angle either way, "
                      "bilinearly; what comes into view is 0, the channel's mean",
           .unit = "degrees",
           .low = 0,
           .high = 180,
           .came_later = true},
          p.rotation_degrees);
}

void check_augmentation(const AugmentationParams& p, const Shape& shape) {
  const auto check = [&](const std::string& key, std::int64_t pixels, const char* verb,
                         const char* end) {
    if (pixels >= std::min(shape.height, shape.width) && pixels > 0)
      throw ConfigError({.message = key + " = " + std::to_string(pixels) + " " + verb +
                                    " images of " + std::to_string(shape.height) + " x " +
                                    std::to_string(shape.width) + " pixels " + end,
                         .key = key});
  };
  check("training.augment_crop_pixels", p.crop_pixels, "moves", "out of sight");
  check("training.augment_cutout_pixels", p.cutout_pixels, "hides", "whole");
}

}  // namespace ohmic::nn
