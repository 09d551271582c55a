#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/host.h"
#include "io/digest.h"
#include "nn/array_set.h"
#include "nn/dataset.h"
#include "nn/dataset_files.h"
#include "nn/permutation.h"

namespace ohmic::nn {
namespace {

[[noreturn]] void fail(const std::string& key, const std::string& message) {
  throw ConfigError({.message = message, .key = key});
}

using std::filesystem::path;

enum class Format { idx, cifar10, cifar100, npy, hdf5 };

struct KnownSet {
  std::string_view name, folder;
  Format format;
  Index classes;
  std::string_view source;
};
constexpr KnownSet kKnownSets[] = {
    {"mnist", "mnist", Format::idx, 10,
     "get its four files (train-images-idx3-ubyte.gz, ...) from "
     "https://ossci-datasets.s3.amazonaws.com/mnist"},
    {"fashion-mnist", "fashion-mnist", Format::idx, 10,
     "install the package dataset-fashion-mnist, or get its four files from "
     "https://github.com/zalandoresearch/fashion-mnist"},
    {"cifar10", "cifar-10-batches-bin", Format::cifar10, 10,
     "unpack https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"},
    {"cifar100", "cifar-100-binary", Format::cifar100, 100,
     "unpack https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"},
};
constexpr std::string_view kPackaged = "/usr/share/datasets/fashion-mnist";

struct TwoSets {
  Dataset train, test;
};

/// An IDX file with or without ".gz", whichever is there.
path idx_file(const path& folder, const std::string& name) {
  const path zipped = folder / (name + ".gz");
  return std::filesystem::exists(zipped) && !std::filesystem::exists(folder / name) ? zipped
                                                                                    : folder / name;
}

/// Whether a folder holds a set of that format: its first file tells.
bool is_there(const path& folder, Format format) {
  switch (format) {
    case Format::idx:
      return std::filesystem::exists(idx_file(folder, "train-images-idx3-ubyte"));
    case Format::cifar10:
      return std::filesystem::exists(folder / "data_batch_1.bin");
    case Format::cifar100:
      return std::filesystem::exists(folder / "train.bin");
    case Format::npy:
      return std::filesystem::exists(folder / "train_images.npy");
    case Format::hdf5:
      break;  // is no folder
  }
  return false;
}

/// A set that was found, before it is read.
struct FoundSet {
  path folder;  ///< of hdf5: the file
  Format format;
  Index classes;  ///< 0: as many as its labels say
};

/// The files of a set's training or test images: images and their labels, CIFAR batches, or the
/// file that holds everything.
std::vector<path> files_of(const FoundSet& set, bool is_test) {
  switch (set.format) {
    case Format::idx: {
      const std::string which = is_test ? "t10k" : "train";
      return {idx_file(set.folder, which + "-images-idx3-ubyte"),
              idx_file(set.folder, which + "-labels-idx1-ubyte")};
    }
    case Format::cifar10: {
      if (is_test) return {set.folder / "test_batch.bin"};
      std::vector<path> batches;
      for (int i = 1; i <= 5; ++i)
        batches.push_back(set.folder / ("data_batch_" + std::to_string(i) + ".bin"));
      return batches;
    }
    case Format::cifar100:
      return {set.folder / (is_test ? "test.bin" : "train.bin")};
    case Format::npy: {
      const std::string which = is_test ? "test" : "train";
      return {set.folder / (which + "_images.npy"), set.folder / (which + "_labels.npy")};
    }
    case Format::hdf5:
      return {set.folder};
  }
  throw LogicError("unknown format");
}

enum class Depth { images, sizes };

Dataset read_set(const FoundSet& set, bool is_test, Index classes, Depth depth) {
  const std::vector<path> files = files_of(set, is_test);
  if (set.format == Format::idx)
    return (depth == Depth::images ? read_idx : outline_idx)(files[0], files[1], classes);
  const auto arrays = depth == Depth::images ? read_arrays : outline_arrays;
  if (set.format == Format::npy) return arrays({files[0]}, {files[1]}, classes);
  if (set.format == Format::hdf5) {
    const std::string group = is_test ? "/test" : "/train";
    return arrays({files[0], group + "/images"}, {files[0], group + "/labels"}, classes);
  }
  const int label_bytes = set.format == Format::cifar100 ? 2 : 1;
  return (depth == Depth::images ? read_cifar : outline_cifar)(files, label_bytes, classes);
}

TwoSets read_sets(const FoundSet& set, Depth depth) {
  Dataset train = read_set(set, false, set.classes, depth);
  Dataset test = read_set(set, true, train.classes, depth);
  if (test.shape != train.shape)
    throw FileError(set.folder.string() + ": test images are " + text(test.shape) +
                    ", training images " + text(train.shape));
  return {std::move(train), std::move(test)};
}

/// Looks for a known set in the places where sets are. A folder named like another set is never
/// taken for this one.
FoundSet find_known(const KnownSet& set, const DataParams& params, const path& base) {
  std::vector<path> roots;
  if (!params.path.empty()) {
    roots.push_back(base / params.path);
    if (!std::filesystem::is_directory(roots.back()))
      throw FileError("data.path: " + roots.back().string() + " is not a folder");
  }
  if (const char* variable = std::getenv("OHMIC_DATA"); variable && *variable)
    roots.emplace_back(variable);
  roots.emplace_back("data/sets");
  std::vector<path> places;
  for (const path& root : roots) {
    places.push_back(root / set.folder);
    const path own = root.has_filename() ? root.filename() : root.parent_path().filename();
    if (std::none_of(std::begin(kKnownSets), std::end(kKnownSets),
                     [&](const KnownSet& other) { return &other != &set && own == other.folder; }))
      places.push_back(root);
  }
  if (set.name == "fashion-mnist") places.emplace_back(kPackaged);
  std::string looked;
  for (const path& place : places) {
    if (is_there(place, set.format)) return {place, set.format, set.classes};
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  throw FileError("data set " + std::string(set.name) + " is not here: " + std::string(set.source) +
                  ", and say where with data.path or $OHMIC_DATA (looked in " + looked + ")");
}

FoundSet find_set(const DataParams& params, const path& base) {
  std::vector<std::string> names;
  for (const KnownSet& set : kKnownSets) {
    if (params.set == set.name) return find_known(set, params, base);
    names.emplace_back(set.name);
  }
  if (params.set.empty())
    fail("data.set",
         "data.set is missing: mnist, fashion-mnist, cifar10, cifar100, a folder or an HDF5 file");
  const path folder = base / params.path / params.set;
  if (std::filesystem::is_regular_file(folder)) return {folder, Format::hdf5, 0};
  if (!std::filesystem::is_directory(folder)) {
    const std::string near = nearest(params.set, names);
    fail("data.set", "data.set = '" + params.set + "' is neither a known set" +
                         (near.empty() ? " (mnist, fashion-mnist, cifar10, cifar100)"
                                       : " (did you mean '" + near + "'?)") +
                         " nor a folder or HDF5 file (" + folder.string() + ")");
  }
  if (is_there(folder, Format::idx)) return {folder, Format::idx, 0};
  if (is_there(folder, Format::cifar10)) return {folder, Format::cifar10, 10};
  if (is_there(folder, Format::cifar100)) return {folder, Format::cifar100, 100};
  if (is_there(folder, Format::npy)) return {folder, Format::npy, 0};
  throw FileError(folder.string() +
                  ": holds none of train-images-idx3-ubyte(.gz), data_batch_1.bin, train.bin, "
                  "train_images.npy");
}

/// Mean and (population) deviation of each channel of floats, in the order of the images.
Normalisation float_statistics(const Dataset& set) {
  const Index pixels = set.shape.height * set.shape.width;
  const auto n = static_cast<double>(pixels) * static_cast<double>(set.size());
  Normalisation result;
  for (Index c = 0; c < set.shape.channels; ++c) {
    const auto sum_of = [&](auto term) {
      double sum = 0;
      for (Index i = 0; i < set.size(); ++i) {
        double image_sum = 0;
        for (const float *p = set.float_image(i) + c * pixels, *end = p + pixels; p < end; ++p)
          image_sum += term(static_cast<double>(*p));
        sum += image_sum;
      }
      return sum;
    };
    const double mean = sum_of([](double value) { return value; }) / n;
    const double squares = sum_of([&](double value) { return (value - mean) * (value - mean); });
    result.mean.push_back(mean);
    result.deviation.push_back(std::sqrt(squares / n));
  }
  return result;
}

/// The same of bytes, from exact sums.
Normalisation byte_statistics(const Dataset& set) {
  const Index pixels = set.shape.height * set.shape.width;
  const auto n = static_cast<double>(pixels) * static_cast<double>(set.size());
  Normalisation result;
  for (Index c = 0; c < set.shape.channels; ++c) {
    std::uint64_t sum = 0, squares = 0;
    for (Index i = 0; i < set.size(); ++i) {
      std::uint64_t image_sum = 0, image_squares = 0;
      for (const std::uint8_t *p = set.image(i) + c * pixels, *end = p + pixels; p < end; ++p) {
        image_sum += *p;
        image_squares += std::uint32_t{*p} * *p;
      }
      sum += image_sum;
      squares += image_squares;
    }
    const double mean = static_cast<double>(sum) / n;
    result.mean.push_back(mean);
    result.deviation.push_back(std::sqrt(static_cast<double>(squares) / n - mean * mean));
  }
  return result;
}

/// Digest of an array's bytes.
template <class V>
std::string digest_of(const V& values) {
  return digest({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
}

/// Labels count as bytes where they fit, so that digests of small sets do not depend on Label.
std::string digest_of_labels(const Dataset& set) {
  if (set.classes > 256) return digest_of(set.labels);
  return digest_of(std::vector<std::uint8_t>(set.labels.begin(), set.labels.end()));
}

std::string digest_of(const Dataset& set) {
  return (set.has_floats ? digest_of(set.float_pixels) : digest_of(set.pixels)) +
         digest_of_labels(set) + text(set.shape) + "/" + std::to_string(set.classes);
}

/// Images that the machine cannot hold, told from headers. The readers of other formats know how
/// much they read at most.
void refuse_beyond_memory(const DataParams& params, const FoundSet& found) {
  if (found.format != Format::npy && found.format != Format::hdf5) return;
  const TwoSets outline = read_sets(found, Depth::sizes);
  const double bytes = outline.train.bytes() + outline.test.bytes(), there = machine_memory();
  constexpr double kGibibyte = 1 << 30;
  if (bytes > there)
    fail("data.set",
         fmt::format("data.set = '{}': its {} images of {} take {:.1f} GiB of memory, and the "
                     "machine has {:.1f}",
                     params.set, outline.train.size() + outline.test.size(),
                     text(outline.train.shape), bytes / kGibibyte, there / kGibibyte));
}

/// The lists of images that train, validate and test; nothing that pixels or labels tell.
Data split(const DataParams& params, const FoundSet& found, TwoSets sets) {
  const Index all = sets.train.size();
  const Index validation =
      params.validation >= 0 ? params.validation : std::min(Index{5000}, all / 10);
  if (validation >= all)
    fail("data.validation", "data.validation = " + std::to_string(validation) +
                                " leaves nothing of " + std::to_string(all) + " training images");
  Data data;
  data.params = params;
  for (const bool is_test : {false, true})
    for (path& file : files_of(found, is_test)) data.files.push_back(std::move(file));
  std::vector<Index> order = permutation(
      all, RandomStream(static_cast<std::uint64_t>(params.split_seed)), split_address());
  std::sort(order.begin(), order.begin() + validation);
  std::sort(order.begin() + validation, order.end());
  const auto train = std::make_shared<const Dataset>(std::move(sets.train));
  const auto test = std::make_shared<const Dataset>(std::move(sets.test));
  data.validation = {train, {order.begin(), order.begin() + validation}};
  data.train = {train, {order.begin() + validation, order.end()}};
  data.test.set = test;
  for (Index i = 0; i < test->size(); ++i) data.test.index.push_back(i);
  const auto limit = [](ImageList& list, Index count, const std::string& key) {
    if (count > list.size())
      fail(key, key + " = " + std::to_string(count) + ", but there are only " +
                    std::to_string(list.size()));
    if (count > 0) list = list.first(count);
  };
  limit(data.train, params.train_images, "data.train_images");
  limit(data.test, params.test_images, "data.test_images");
  return data;
}

}  // namespace

Data load_data(const DataParams& params, const path& base) {
  const FoundSet found = find_set(params, base);
  refuse_beyond_memory(params, found);
  Data data = split(params, found, read_sets(found, Depth::images));
  const Dataset& train = *data.train.set;
  data.normalisation = train.has_floats ? float_statistics(train) : byte_statistics(train);
  if (params.normalise == "unit") {
    data.normalisation.mean.assign(data.normalisation.mean.size(), 0.0);
    data.normalisation.deviation.assign(data.normalisation.deviation.size(),
                                        train.has_floats ? 1.0 : 255.0);
  }
  constexpr double kRounding = 1e-10;  // of the sums of equal floats
  for (std::size_t c = 0; c < data.normalisation.mean.size(); ++c)
    if (!(data.normalisation.deviation[c] > kRounding * std::abs(data.normalisation.mean[c])))
      throw FileError("data set " + params.set + ": a channel has the same value everywhere");
  data.training_digest =
      digest(digest_of(data.train.index) + digest_of(data.validation.index) + digest_of(train) +
             digest_of(data.normalisation.mean) + digest_of(data.normalisation.deviation));
  data.digest =
      digest(data.training_digest + digest_of(data.test.index) + digest_of(*data.test.set));
  return data;
}

Data outline_data(const DataParams& params, const path& base) {
  const FoundSet found = find_set(params, base);
  return split(params, found, read_sets(found, Depth::sizes));
}

}  // namespace ohmic::nn
