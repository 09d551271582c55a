#include <algorithm>
#include <cmath>

#include "fuzz/target.h"
#include "nn/array_set.h"
#include "npy_bytes.h"

namespace ohmic::fuzz {
namespace {

using testing::npy_bytes;

/// A .npy file as three images beside labels, then as the labels of three images.
const Target kImageArrays("image_arrays", [](std::string_view input) {
  const ArrayPlace own{file_of(input, "input.npy")};
  const ArrayPlace images{
      file_of(npy_bytes<std::uint8_t>({3, 1, 2}, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}),
              "images.npy")};
  const ArrayPlace labels{
      file_of(npy_bytes({3}, std::vector<std::int64_t>{0, 1, 2}), "labels.npy")};
  for (const bool is_images : {true, false}) {
    const ArrayPlace &pixels = is_images ? own : images, &names = is_images ? labels : own;
    const std::string folder = own.file.parent_path().string();
    const auto set = accepted(folder, [&] { return nn::read_arrays(pixels, names, 0); });
    if (!set) continue;
    const auto outline = accepted(folder, [&] { return nn::outline_arrays(pixels, names, 0); });
    expect(outline && outline->shape == set->shape && outline->classes == set->classes &&
               outline->size() == set->size() && outline->has_floats == set->has_floats,
           "an outline is that of another set");
    const auto numbers = static_cast<std::size_t>(set->size() * set->shape.features());
    expect(set->has_floats ? set->pixels.empty() && set->float_pixels.size() == numbers
                           : set->float_pixels.empty() && set->pixels.size() == numbers,
           "images and labels do not pair");
    for (const nn::Label label : set->labels)
      expect(static_cast<Index>(label) < set->classes, "a label is out of range");
    for (const float pixel : set->float_pixels)
      expect(std::isfinite(pixel), "a pixel is not finite");
  }
});

}  // namespace
}  // namespace ohmic::fuzz
