#include "nn/array_set.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "io/config.h"
#include "io/remark.h"

namespace ohmic::nn {
namespace {

constexpr Index kMostClasses = 1'000'000;  // beyond it, labels are something else

[[noreturn]] void fail(const ArrayPlace& place, const std::string& what) {
  throw FileError(place.words() + ": " + what);
}

std::string product(const std::vector<Index>& shape) {
  std::string words;
  for (const Index size : shape) words += (words.empty() ? "" : " x ") + std::to_string(size);
  return words;
}

/// Shape and type of the pixels; no images yet.
Dataset set_of(const ArrayPlace& place, const ArrayHeader& header) {
  const std::vector<Index>& shape = header.shape;
  if (shape.size() != 3 && shape.size() != 4)
    fail(place, "has " + std::to_string(shape.size()) +
                    " dimensions, expected images x height x width or images x channels x height "
                    "x width");
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    fail(place, "holds no images (" + product(shape) + ")");
  if (header.element == h5::Element::integer)
    fail(place,
         "holds integers of more than 8 bits or with a sign, expected bytes (uint8) or floats");
  Dataset set;
  const std::size_t axes = shape.size();
  set.shape = {axes == 4 ? shape[1] : 1, shape[axes - 2], shape[axes - 1]};
  set.has_floats = header.element == h5::Element::floating;
  // Color images of most other programs have their channels last.
  if (const Index last = shape.back(); axes == 4 && shape[1] > 4 && (last == 1 || last == 3))
    remark(place.words() + ": " + product(shape) + " is read as " + std::to_string(shape[1]) +
           " channels of " + std::to_string(shape[2]) + " x " + std::to_string(last) +
           " pixels; where channels come last, numpy's transpose(0, 3, 1, 2) brings them forward");
  return set;
}

/// The header of labels for `images` images.
void check_labels(const ArrayPlace& place, const ArrayHeader& header, Index images,
                  const ArrayPlace& of) {
  if (header.element == h5::Element::floating) fail(place, "holds floats, expected integers");
  if (header.shape.size() != 1)
    fail(place, "has " + std::to_string(header.shape.size()) +
                    " dimensions, expected one label per image");
  if (header.shape[0] != images)
    fail(place, "holds " + std::to_string(header.shape[0]) + " labels for the " +
                    std::to_string(images) + " images of " +
                    (of.data_set.empty() ? of.file.filename().string() : of.data_set));
}

/// Reads and checks labels; sets the number of classes where it is 0.
std::vector<Label> read_labels_of(const ArrayPlace& place, Index& classes) {
  const std::vector<std::int64_t> values = read_integers(place).values;
  if (classes == 0)
    classes =
        1 + std::clamp<Index>(*std::max_element(values.begin(), values.end()), 0, kMostClasses - 1);
  std::vector<Label> labels;
  labels.reserve(values.size());
  for (const std::int64_t value : values) {
    if (value < 0 || value >= classes)
      fail(place, "label " + std::to_string(value) + " of image " + std::to_string(labels.size()) +
                      " is not in 0 .. " + std::to_string(classes - 1));
    labels.push_back(static_cast<Label>(value));
  }
  return labels;
}

void check_finite(const ArrayPlace& place, const Dataset& set) {
  const auto bad = std::find_if_not(set.float_pixels.begin(), set.float_pixels.end(),
                                    [](float value) { return std::isfinite(value); });
  if (bad == set.float_pixels.end()) return;
  const Index at = bad - set.float_pixels.begin(), pixel = at % set.shape.features(),
              of_channel = pixel % (set.shape.height * set.shape.width);
  fail(place, "image " + std::to_string(at / set.shape.features()) + ", channel " +
                  std::to_string(pixel / (set.shape.height * set.shape.width)) + ", row " +
                  std::to_string(of_channel / set.shape.width) + ", column " +
                  std::to_string(of_channel % set.shape.width) + " is " +
                  shortest(static_cast<double>(*bad)) + ", expected a finite number");
}

}  // namespace

Dataset outline_arrays(const ArrayPlace& images, const ArrayPlace& labels, Index classes) {
  const ArrayHeader header = header_of(images);
  Dataset set = set_of(images, header);
  check_labels(labels, header_of(labels), header.shape[0], images);
  set.classes = classes;
  if (classes == 0) read_labels_of(labels, set.classes);
  set.labels.assign(static_cast<std::size_t>(header.shape[0]), 0);
  return set;
}

Dataset read_arrays(const ArrayPlace& images, const ArrayPlace& labels, Index classes) {
  const ArrayHeader header = header_of(images);
  Dataset set = set_of(images, header);
  check_labels(labels, header_of(labels), header.shape[0], images);
  set.classes = classes;
  set.labels = read_labels_of(labels, set.classes);
  if (!set.has_floats) {
    set.pixels = read_bytes(images).values;
    return set;
  }
  set.float_pixels = read_floats(images).values;
  check_finite(images, set);
  return set;
}

}  // namespace ohmic::nn
