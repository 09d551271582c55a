#include "nn/dataset.h"

#include <algorithm>

namespace ohmic::nn {

void fields(FieldVisitor& f, DataParams& p) {
  f.field({.key = "set",
           .meaning = "mnist, fashion-mnist, cifar10, cifar100, a folder with files of these "
                      "formats or train_images.npy, train_labels.npy, test_images.npy and "
                      "test_labels.npy, or an HDF5 file with the same as /train/images, ...",
           .is_file = true},
          p.set);
  f.field({.key = "path",
           .meaning = "folder to look in before $OHMIC_DATA, data/sets and /usr/share/datasets",
           .affects_results = false,
           .is_file = true},
          p.path);
  f.field({.key = "validation",
           .meaning = "training images kept for validation; -1: 5000, or a tenth of a smaller set",
           .unit = "images",
           .low = -1,
           .high = 1e9},
          p.validation);
  f.field({.key = "split_seed",
           .meaning = "seed that draws the validation images",
           .low = 0,
           .high = 0x1p63,
           .high_open = true,
           .idle = p.validation == 0 ? "validation is 0" : ""},
          p.split_seed);
  f.field(
      {.key = "normalise",
       .meaning = "pixels to mean 0 and deviation 1 of the training file (a channel), or bytes to "
                  "0..1 and floats as they are",
       .one_of = {"standard", "unit"}},
      p.normalise);
  f.field({.key = "train_images",
           .meaning = "use only this many training images, the first ones; 0: all",
           .unit = "images",
           .low = 0,
           .high = 1e9},
          p.train_images);
  f.field({.key = "test_images",
           .meaning = "use only this many test images, the first ones; 0: all",
           .unit = "images",
           .low = 0,
           .high = 1e9},
          p.test_images);
}

ImageList ImageList::first(Index count) const {
  const auto n = static_cast<std::ptrdiff_t>(std::min(count, size()));
  return {set, {index.begin(), index.begin() + n}};
}

}  // namespace ohmic::nn
