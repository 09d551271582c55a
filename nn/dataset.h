#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "io/fields.h"
#include "nn/label.h"
#include "nn/shape.h"

namespace ohmic::nn {

/// The `[data]` table.
struct DataParams {
  /// mnist | fashion-mnist | cifar10 | cifar100 | a folder with such files or .npy arrays | an HDF5
  /// file.
  std::string set;
  std::string path;  ///< where to look first
  /// Images kept for validation; -1: 5,000, or a tenth of a smaller set.
  std::int64_t validation = -1;
  std::int64_t split_seed = 1;
  std::string normalise = "standard";
  std::int64_t train_images = 0, test_images = 0;  ///< 0: all
};
void fields(FieldVisitor& f, DataParams& params);

/// Images as they lie in a file, in order (channel, row, column): one byte per pixel, or floats.
struct Dataset {
  Shape shape;
  Index classes = 0;
  bool has_floats = false;           ///< the pixels are float_pixels, else pixels
  std::vector<std::uint8_t> pixels;  ///< of all images, one after the other; none of an outline
  std::vector<float> float_pixels;   ///< finite
  std::vector<Label> labels;         ///< one per image, below `classes`
  Index size() const { return static_cast<Index>(labels.size()); }
  const std::uint8_t* image(Index i) const { return pixels.data() + i * shape.features(); }
  const float* float_image(Index i) const { return float_pixels.data() + i * shape.features(); }
  /// Memory of the pixels [bytes], also where this is an outline.
  double bytes() const {
    return static_cast<double>(size()) * static_cast<double>(shape.features()) *
           (has_floats ? sizeof(float) : 1);
  }
};

/// Some images of a data set, in an order.
struct ImageList {
  std::shared_ptr<const Dataset> set;
  std::vector<Index> index;  ///< of each image in the set
  Index size() const { return static_cast<Index>(index.size()); }
  Index place(Index i) const { return index[static_cast<std::size_t>(i)]; }
  Label label(Index i) const { return set->labels[static_cast<std::size_t>(place(i))]; }
  /// The first `count` images (all, if there are fewer).
  ImageList first(Index count) const;
};

/// Pixel -> input, (pixel - mean) / deviation of its channel.
struct Normalisation {
  std::vector<double> mean, deviation;  ///< one per channel, in units of a pixel
};

struct Data {
  DataParams params;  ///< what was asked for
  ImageList train, validation, test;
  Normalisation normalisation;
  std::vector<std::filesystem::path> files;  ///< that it lies in
  std::string digest;                        ///< of all images and labels, split and normalisation
  std::string training_digest;  ///< the same without test images: what a training reads
  Shape shape() const { return train.set->shape; }
  Index classes() const { return train.set->classes; }
};

/// Finds, reads, checks and splits the set. Relative paths are relative to `base` (the config's
/// folder). Looks in data.path, $OHMIC_DATA, data/sets, then /usr/share/datasets. FileError names
/// the file and what is wrong with it, or what to get and every place looked in; ConfigError names
/// the key of a split that the set does not have, or data.set where the images need more memory
/// than the machine has, before they are read. Mean and deviation are those of the whole training
/// file, whatever the split.
Data load_data(const DataParams& params, const std::filesystem::path& base);

/// The same from headers and file sizes: every number of images, the shape and the classes, but
/// neither pixels, labels, normalisation nor digests.
Data outline_data(const DataParams& params, const std::filesystem::path& base);

}  // namespace ohmic::nn
