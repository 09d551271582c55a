#include "nn/dataset_files.h"

#include <zlib.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "base/host.h"
#include "io/whole_file.h"

/// IDX: a big-endian header (0, 0, type 8 = byte, number of dimensions; then each dimension in 4
/// bytes), then the bytes, row-major (LeCun, Cortes, Burges: the MNIST database). CIFAR's binary
/// version: records of one or two label bytes and 3072 pixels, red, green, blue planes row by row
/// (Krizhevsky 2009).
namespace ohmic::nn {
namespace {

using std::filesystem::path;

[[noreturn]] void fail(const path& file, const std::string& what) {
  throw FileError(file.string() + ": " + what);
}

constexpr Index kMostBytes = Index{1} << 32;  // of one IDX file
constexpr Index kMostCifarImages = 100'000;   // of one file; the published ones have up to 50,000
constexpr Index kLargestRatio = 1032;         // of deflate, www.zlib.net/zlib_tech.html

/// A file's bytes in order, gunzipped where it is gzipped.
class ByteFile {
 public:
  explicit ByteFile(const path& file) : file_(file), handle_(nullptr) {
    check_readable(file);
    handle_ = gzopen(file.c_str(), "rb");
    if (!handle_) fail(file, "cannot be read");
    gzbuffer(handle_, 1 << 18);
  }
  ~ByteFile() { gzclose_r(handle_); }
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;

  /// Appends up to `count` bytes; returns how many there were. Grows with what is there, whatever a
  /// header claims.
  std::size_t read(std::size_t count, std::vector<std::uint8_t>& out) {
    constexpr std::size_t kChunk = 1 << 22;
    const std::size_t before = out.size();
    while (out.size() - before < count) {
      const std::size_t at = out.size(), want = std::min(kChunk, count - (at - before));
      out.resize(at + want);
      const int got = gzread(handle_, out.data() + at, static_cast<unsigned>(want));
      // A gzip file that ends early is not an error to gzread(), not even without its checksum.
      int status = Z_OK;
      if (got == 0) gzerror(handle_, &status);
      if (got < 0 || status != Z_OK) fail(file_, "is truncated or damaged (gzip)");
      out.resize(at + static_cast<std::size_t>(got));
      if (got == 0) break;
    }
    return out.size() - before;
  }

  bool is_gzipped() const { return gzdirect(handle_) == 0; }

 private:
  path file_;
  gzFile handle_;
};

/// Dimensions and bytes of an IDX file with `rank` dimensions.
struct Idx {
  std::vector<Index> shape;
  std::vector<std::uint8_t> bytes;
};

Index product_of(const std::vector<Index>& shape) {
  return std::accumulate(shape.begin(), shape.end(), Index{1}, std::multiplies<>());
}

std::vector<Index> read_idx_header(ByteFile& source, const path& file, std::uint8_t rank,
                                   const char* content) {
  std::vector<std::uint8_t> header;
  const std::size_t header_size = 4 + std::size_t{4} * rank;
  source.read(header_size, header);
  if (header.size() < 4) fail(file, "is empty or too short for an IDX file");
  if (header[0] != 0 || header[1] != 0 || header[2] != 8 || header[3] != rank)
    fail(file, std::string("is not an IDX file of ") + content + " (it does not begin with 0 0 8 " +
                   std::to_string(rank) + ")");
  if (header.size() < header_size) fail(file, "is truncated within its header");
  std::vector<Index> shape;
  Index total = 1;
  for (std::size_t d = 4; d < header_size; d += 4) {
    const Index size = (Index{header[d]} << 24) | (Index{header[d + 1]} << 16) |
                       (Index{header[d + 2]} << 8) | header[d + 3];
    if (size == 0 || total > (Index{1} << 40) / size)
      fail(file, "has an impossible size in its header");
    total *= size;
    shape.push_back(size);
  }
  const Index most = std::min(kMostBytes, static_cast<Index>(machine_memory()));
  if (total > most)
    fail(file, "claims " + std::to_string(total) + " bytes of " + content + "; at most " +
                   std::to_string(most) + " are read");
  if (total / kLargestRatio > static_cast<Index>(std::filesystem::file_size(file)))
    fail(file, "is truncated: its header claims " + std::to_string(total) + " bytes of " + content +
                   ", more than a file of this size can hold");
  return shape;
}

[[noreturn]] void refuse_size(const path& file, const std::vector<Index>& shape, Index found,
                              const char* content) {
  const Index total = product_of(shape);
  const std::string expected =
      ", expected " + std::to_string(total) + " for " + std::to_string(shape[0]) + " " + content;
  fail(file, found < total
                 ? "is truncated: " + std::to_string(found) + " bytes after its header" + expected
                 : "is longer than its header says" + expected);
}

/// What the size of a file that is not gzipped says without its bytes being read.
void check_plain_size(const ByteFile& source, const path& file, const std::vector<Index>& shape,
                      const char* content) {
  if (source.is_gzipped()) return;
  const auto header = static_cast<Index>(4 + 4 * shape.size());
  const Index found = static_cast<Index>(std::filesystem::file_size(file)) - header;
  if (found != product_of(shape)) refuse_size(file, shape, found, content);
}

Idx read_idx_file(const path& file, std::uint8_t rank, const char* content) {
  ByteFile source(file);
  Idx idx{read_idx_header(source, file, rank, content), {}};
  const Index total = product_of(idx.shape);
  const auto found =
      static_cast<Index>(source.read(static_cast<std::size_t>(total) + 1, idx.bytes));
  if (found != total) refuse_size(file, idx.shape, found, content);
  return idx;
}

void check_label(const path& file, Index image, Index label, Index classes) {
  if (label >= classes)
    fail(file, "label " + std::to_string(label) + " of image " + std::to_string(image) +
                   " is not in 0 .. " + std::to_string(classes - 1));
}

Dataset cifar_set(Index classes) {
  Dataset set;
  set.shape = {3, 32, 32};
  set.classes = classes;
  return set;
}

void check_label_count(const path& images, Index pixels, const path& labels, Index names) {
  if (pixels != names)
    fail(labels, "holds " + std::to_string(names) + " labels for the " + std::to_string(pixels) +
                     " images of " + images.filename().string());
}

}  // namespace

Dataset read_idx(const path& images, const path& labels, Index classes) {
  Idx pixels = within_memory(images, [&] { return read_idx_file(images, 3, "images"); });
  Idx names = within_memory(labels, [&] { return read_idx_file(labels, 1, "labels"); });
  check_label_count(images, pixels.shape[0], labels, names.shape[0]);
  Dataset set;
  set.shape = {1, pixels.shape[1], pixels.shape[2]};
  set.classes =
      classes > 0 ? classes : 1 + *std::max_element(names.bytes.begin(), names.bytes.end());
  set.pixels = std::move(pixels.bytes);
  set.labels.assign(names.bytes.begin(), names.bytes.end());
  for (Index i = 0; i < set.size(); ++i)
    check_label(labels, i, set.labels[static_cast<std::size_t>(i)], set.classes);
  return set;
}

Dataset outline_idx(const path& images, const path& labels, Index classes) {
  ByteFile source(images);
  const std::vector<Index> shape = read_idx_header(source, images, 3, "images");
  check_plain_size(source, images, shape, "images");
  Dataset set;
  set.shape = {1, shape[1], shape[2]};
  set.classes = classes;
  Index names = 0;
  if (classes > 0) {
    ByteFile label_source(labels);
    const std::vector<Index> count = read_idx_header(label_source, labels, 1, "labels");
    check_plain_size(label_source, labels, count, "labels");
    names = count[0];
  } else {
    const Idx read = read_idx_file(labels, 1, "labels");
    names = read.shape[0];
    set.classes = 1 + *std::max_element(read.bytes.begin(), read.bytes.end());
  }
  check_label_count(images, shape[0], labels, names);
  set.labels.assign(static_cast<std::size_t>(names), 0);
  return set;
}

Dataset read_cifar(const std::vector<path>& files, int label_bytes, Index classes) {
  Dataset set = cifar_set(classes);
  const std::size_t pixels = static_cast<std::size_t>(set.shape.features());
  const std::size_t record_size = pixels + static_cast<std::size_t>(label_bytes);
  std::uintmax_t bytes = 0;
  for (const path& file : files) {
    std::error_code missing;  // which is told below
    if (const std::uintmax_t size = std::filesystem::file_size(file, missing); !missing)
      bytes += size;
  }
  const auto images = std::min<std::uintmax_t>(bytes / record_size, kMostCifarImages);
  set.pixels.reserve(static_cast<std::size_t>(images) * pixels);  // more where files are compressed
  for (const path& file : files) {
    ByteFile source(file);
    Index image = 0;
    for (std::vector<std::uint8_t> record;; ++image, record.clear()) {
      const std::size_t found = source.read(record_size, record);
      if (found == 0 && image > 0) break;
      if (image == kMostCifarImages)
        fail(file, "holds more than " + std::to_string(kMostCifarImages) + " images");
      if (found < record_size)
        fail(file, "is truncated: image " + std::to_string(image) + " has " +
                       std::to_string(found) + " of " + std::to_string(record_size) + " bytes");
      const std::uint8_t label = record[static_cast<std::size_t>(label_bytes) - 1];
      check_label(file, image, label, classes);
      set.labels.push_back(label);
      set.pixels.insert(set.pixels.end(), record.end() - static_cast<std::ptrdiff_t>(pixels),
                        record.end());
    }
  }
  return set;
}

Dataset outline_cifar(const std::vector<path>& files, int label_bytes, Index classes) {
  Dataset set = cifar_set(classes);
  const auto record_size = static_cast<std::uintmax_t>(set.shape.features() + label_bytes);
  std::size_t images = 0;
  for (const path& file : files) {
    // What is compressed tells its size only when it has been read.
    if (ByteFile(file).is_gzipped())
      images += read_cifar({file}, label_bytes, classes).labels.size();
    else if (const std::uintmax_t size = std::filesystem::file_size(file);
             size == 0 || size % record_size != 0)
      fail(file, "is truncated: " + std::to_string(size) +
                     " bytes are not a whole number of images of " + std::to_string(record_size));
    else
      images += size / record_size;
  }
  set.labels.assign(images, 0);
  return set;
}

}  // namespace ohmic::nn
