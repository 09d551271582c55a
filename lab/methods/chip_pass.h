#pragma once

#include <algorithm>

#include "base/parallel.h"
#include "lab/methods/method.h"

/// What methods that calibrate on chips share.
namespace ohmic::lab {

/// The key `images`.
inline void calibration_images_field(FieldVisitor& f, std::int64_t& images) {
  f.field({.key = "images",
           .meaning = "unlabelled training images that every chip reads",
           .low = 2,
           .high = 1e6},
          images);
}

/// Calls body(block, workspace after a pass of the chip over the clean images of that block).
template <class Body>
void for_each_pass(const CleanActivations& clean, const ReadContext& reader, const Chip& chip,
                   Body body) {
  for_each_block(clean.blocks(), [&](Index block) {
    nn::Workspace<float> workspace(chip.network, nn::Kept::outputs);
    const ConstView<float> image = clean.image(block);
    std::copy_n(image.data(), image.size(), workspace.input().data());
    ReadContext context = reader;
    context.first_sample = block * kLanes;
    nn::forward(chip.network, chip.parameters, workspace, {.samples = clean.samples(block)},
                chip.deployment, context);
    body(block, workspace);
  });
}

}  // namespace ohmic::lab
