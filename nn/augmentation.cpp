#include "nn/augmentation.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "base/elementary.h"

namespace ohmic::nn {
namespace {

/// The lowest field of the address: four words belong to each operation.
enum class Operation : std::uint64_t { rotation = 0, crop = 1, flip = 2, cutout = 3 };

/// A whole number in 0 .. count - 1, each as likely as the others to 1 part in 2^32 / count.
Index below(Index count, double uniform) {
  return static_cast<Index>(uniform * static_cast<double>(count));
}

/// A fixed-point number of 32 binary places: what is exact in it (90 degrees, half a pixel) stays
/// so.
constexpr double kOne = 0x1p32;
constexpr Index kBorder = 2;  // of zeros, so that a pixel from outside needs no question

void turn(double degrees, const Shape& shape, float* image, std::vector<float>& spare) {
  const double angle = degrees * std::numbers::pi / 180;
  const Index cosine = std::llround(elementary::cos(angle) * kOne),
              sine = std::llround(elementary::sin(angle) * kOne);
  const Index height = shape.height, width = shape.width, line = width + 2 * kBorder,
              plane = line * (height + 2 * kBorder);
  spare.assign(static_cast<std::size_t>(shape.channels * plane), 0.0f);
  for (Index channel = 0; channel < shape.channels; ++channel)
    for (Index row = 0; row < height; ++row)
      std::copy_n(image + (channel * height + row) * width, width,
                  spare.data() + channel * plane + (row + kBorder) * line + kBorder);
  const float* middle = spare.data() + kBorder * line + kBorder;
  for (Index row = 0; row < height; ++row)
    for (Index column = 0; column < width; ++column, ++image) {
      // Where the pixel comes from, from twice the distances to the middle.
      const Index down = 2 * row - (height - 1), right = 2 * column - (width - 1);
      const Index y = ((height - 1) * Index{1LL << 32} + right * sine + down * cosine) >> 1,
                  x = ((width - 1) * Index{1LL << 32} + right * cosine - down * sine) >> 1;
      const auto low = static_cast<float>((y >> 16) & 0xffff) * 0x1p-16f,
                 near = static_cast<float>((x >> 16) & 0xffff) * 0x1p-16f;
      const float* from = middle + std::clamp(y >> 32, -kBorder, height) * line +
                          std::clamp(x >> 32, -kBorder, width);
      for (Index channel = 0; channel < shape.channels; ++channel, from += plane) {
        const float above = (1 - near) * from[0] + near * from[1];
        const float beneath = (1 - near) * from[line] + near * from[line + 1];
        image[channel * height * width] = (1 - low) * above + low * beneath;
      }
    }
}

void move(const ImageChange& change, const Shape& shape, float* image, std::vector<float>& spare) {
  spare.assign(image, image + shape.features());
  const Index first = std::max<Index>(0, change.right),
              end = std::min(shape.width, shape.width + change.right);
  for (Index channel = 0; channel < shape.channels; ++channel)
    for (Index row = 0; row < shape.height; ++row, image += shape.width) {
      std::fill_n(image, shape.width, 0.0f);
      const Index source = row - change.down;
      if (source < 0 || source >= shape.height || first >= end) continue;
      const float* from =
          spare.data() + (channel * shape.height + source) * shape.width - change.right;
      if (change.is_mirrored)
        std::reverse_copy(from + first, from + end, image + shape.width - end);
      else
        std::copy(from + first, from + end, image + first);
    }
}

void hide(const ImageChange& change, const Shape& shape, float* image) {
  const auto inside = [](Index place, Index size) { return std::clamp<Index>(place, 0, size); };
  const Index left = inside(change.hidden_column, shape.width),
              right = inside(change.hidden_column + change.hidden, shape.width);
  for (Index channel = 0; channel < shape.channels; ++channel)
    for (Index row = inside(change.hidden_row, shape.height);
         row < inside(change.hidden_row + change.hidden, shape.height); ++row)
      std::fill_n(image + (channel * shape.height + row) * shape.width + left, right - left, 0.0f);
}

}  // namespace

ImageChange drawn_change(const AugmentationParams& p, const Shape& shape,
                         const RandomStream& stream, std::uint64_t epoch, Index sample) {
  const Address row =
      augmentation_address({.epoch = epoch, .sample = static_cast<std::uint64_t>(sample)});
  const auto uniforms = [&](Operation operation) {
    std::array<double, 4> u;
    stream.uniforms(row, 4 * static_cast<std::uint64_t>(operation), u);
    return u;
  };
  ImageChange change;
  if (p.rotation_degrees > 0)
    change.degrees = (2 * uniforms(Operation::rotation)[0] - 1) * p.rotation_degrees;
  if (p.crop_pixels > 0) {
    const auto u = uniforms(Operation::crop);
    const auto most = static_cast<Index>(p.crop_pixels);
    change.down = below(2 * most + 1, u[0]) - most;
    change.right = below(2 * most + 1, u[1]) - most;
  }
  if (p.flip) change.is_mirrored = uniforms(Operation::flip)[0] < 0.5;
  if (p.cutout_pixels > 0) {
    const auto u = uniforms(Operation::cutout);
    change.hidden = static_cast<Index>(p.cutout_pixels);
    change.hidden_row = below(shape.height, u[0]) - change.hidden / 2;
    change.hidden_column = below(shape.width, u[1]) - change.hidden / 2;
  }
  return change;
}

void change_image(const ImageChange& change, const Shape& shape, float* image,
                  std::vector<float>& spare) {
  if (change.degrees != 0) turn(change.degrees, shape, image, spare);
  if (change.down != 0 || change.right != 0 || change.is_mirrored)
    move(change, shape, image, spare);
  if (change.hidden > 0) hide(change, shape, image);
}

void fill_augmented_lanes(const ImageList& list, const Normalisation& normalisation,
                          const AugmentationParams& params, const RandomStream& stream,
                          std::uint64_t epoch, std::span<const Index> positions, View<float> x,
                          std::span<Label> labels) {
  if (!params.is_on()) return fill_lanes<float>(list, normalisation, positions, x, labels);
  constexpr std::size_t kGroup = 16;  // images that stay in the second-level cache
  const Shape& shape = list.set->shape;
  const auto features = static_cast<std::size_t>(shape.features());
  const auto images = std::make_unique_for_overwrite<float[]>(kGroup * features);
  std::vector<float> spare;
  for (std::size_t first = 0; first < positions.size(); first += kGroup) {
    const auto group = positions.subspan(first, std::min(kGroup, positions.size() - first));
    read_inputs(list, normalisation, group, images.get());
    for (std::size_t i = 0; i < group.size(); ++i)
      change_image(drawn_change(params, shape, stream, epoch, list.place(group[i])), shape,
                   images.get() + i * features, spare);
    put_lanes(images.get(), static_cast<Index>(group.size()), static_cast<Index>(first), x);
  }
  clear_lanes(static_cast<Index>(positions.size()), x);
  read_labels(list, positions, labels);
}

}  // namespace ohmic::nn
