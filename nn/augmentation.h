#pragma once

#include "base/random_stream.h"
#include "nn/augmentation_params.h"
#include "nn/fill_lanes.h"

/// Training images that are changed a little at every epoch. A change is a function of the seed,
/// the epoch and the image's place in its file: no order of work, batch or thread has a part in it.
namespace ohmic::nn {

/// What happens to one image, in this order. What comes into view, and what is hidden, is 0: the
/// mean of the channel where images are normalised to mean 0.
struct ImageChange {
  double degrees = 0;         ///< it is turned counter-clockwise about its middle, bilinearly
  Index down = 0, right = 0;  ///< it is moved by whole pixels
  bool is_mirrored = false;   ///< its left and right change places
  Index hidden = 0;           ///< side of a square that is hidden,
  Index hidden_row = 0, hidden_column = 0;  ///< from here on; it may reach beyond the edges
};

/// The change of image `sample` of the training file in `epoch`, which counts from 0.
ImageChange drawn_change(const AugmentationParams& params, const Shape& shape,
                         const RandomStream& stream, std::uint64_t epoch, Index sample);

/// Changes an image (channels x height x width) in place; `spare` is memory to use again.
void change_image(const ImageChange& change, const Shape& shape, float* image,
                  std::vector<float>& spare);

/// fill_lanes() with each image as drawn_change() says.
void fill_augmented_lanes(const ImageList& list, const Normalisation& normalisation,
                          const AugmentationParams& params, const RandomStream& stream,
                          std::uint64_t epoch, std::span<const Index> positions, View<float> x,
                          std::span<Label> labels);

}  // namespace ohmic::nn
