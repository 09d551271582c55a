#include "nn/dataset.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace ohmic::nn {

void fields(FieldVisitor& f, DataParams& p) {
  f.field({.key = "set",
           .meaning =
               "mnist, fashion-mnist, cifar10, cifar100, or a folder with files of these formats",
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
       .meaning = "pixels to mean 0 and deviation 1 of the training file (a channel), or to 0..1",
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

template <class T>
void fill_lanes(const ImageList& list, const Normalisation& normalisation,
                std::span<const Index> positions, View<T> x, std::span<std::uint8_t> labels) {
  assert(!list.set->pixels.empty() && "an outline has no pixels");
  constexpr Index kTile = 64;  // pixels whose lanes stay in the first-level cache
  const Index pixels = list.set->shape.height * list.set->shape.width;
  const auto samples = static_cast<Index>(positions.size());
  for (Index channel = 0; channel < list.set->shape.channels; ++channel) {
    std::array<T, 256> value;
    const double mean = normalisation.mean[static_cast<std::size_t>(channel)];
    const double deviation = normalisation.deviation[static_cast<std::size_t>(channel)];
    for (std::size_t v = 0; v < value.size(); ++v)
      value[v] = static_cast<T>((static_cast<double>(v) - mean) / deviation);
    for (Index first = channel * pixels; first < (channel + 1) * pixels; first += kTile) {
      const Index n = std::min(kTile, (channel + 1) * pixels - first);
      for (Index lane = 0; lane < samples; ++lane) {
        const std::uint8_t* pixel = list.image(positions[static_cast<std::size_t>(lane)]) + first;
        for (Index i = 0; i < n; ++i) x(first + i, lane) = value[pixel[i]];
      }
    }
  }
  for (Index row = 0; row < x.rows(); ++row)
    std::fill_n(x.row(row) + samples, kLanes - samples, T(0));
  for (std::size_t i = 0; i < positions.size(); ++i) labels[i] = list.label(positions[i]);
}

template void fill_lanes(const ImageList&, const Normalisation&, std::span<const Index>,
                         View<float>, std::span<std::uint8_t>);
template void fill_lanes(const ImageList&, const Normalisation&, std::span<const Index>,
                         View<double>, std::span<std::uint8_t>);

}  // namespace ohmic::nn
