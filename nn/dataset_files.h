#pragma once

#include <filesystem>
#include <vector>

#include "nn/dataset.h"

/// The file formats of image sets. Each reader throws FileError naming the file and what is wrong
/// with it.
namespace ohmic::nn {

/// A pair of IDX files (LeCun's MNIST format), gzipped or not. `classes` 0: one more than the
/// largest label.
Dataset read_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                 Index classes);

/// Files of CIFAR's binary version, one after the other: 32x32 RGB, one label byte before each
/// image, or a coarse and a fine one (`label_bytes` = 2, CIFAR-100: the fine one counts).
Dataset read_cifar(const std::vector<std::filesystem::path>& files, int label_bytes, Index classes);

/// The same sets without pixels and with labels 0: shape, classes and number of images, as headers
/// and file sizes tell. Only what must be decompressed or counted for that is read.
Dataset outline_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                    Index classes);
Dataset outline_cifar(const std::vector<std::filesystem::path>& files, int label_bytes,
                      Index classes);

}  // namespace ohmic::nn
