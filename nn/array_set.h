#pragma once

#include "io/typed_array.h"
#include "nn/dataset.h"

/// Image sets of a user's own: one array of images and one of labels.
namespace ohmic::nn {

/// Images: N x height x width (one channel) or N x channels x height x width, bytes or floats.
/// Labels: N integers from 0. `classes` 0: one more than the largest label. FileError naming the
/// file and, for values, the image: labels out of range, pixels that are not finite, numbers of
/// images that differ.
Dataset read_arrays(const ArrayPlace& images, const ArrayPlace& labels, Index classes);

/// The same from the headers, without pixels and with labels 0; the labels are read where they say
/// how many classes there are.
Dataset outline_arrays(const ArrayPlace& images, const ArrayPlace& labels, Index classes);

}  // namespace ohmic::nn
