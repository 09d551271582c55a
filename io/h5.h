#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "io/h5_seal.h"
#include "io/whole_file.h"

/// HDF5 files through the C API, with RAII and one lock (Debian's build is not thread-safe). Files
/// are written under a temporary name and appear whole.
namespace ohmic::h5 {

/// Numbers with a shape, as a data set holds them (row-major).
template <class T>
struct Array {
  std::vector<Index> shape;
  std::vector<T> values;
};

/// What numbers are kept as: 8 bits without sign, other integers, floats of any size.
enum class Element { byte, integer, floating };

/// A file being read. Throws FileError naming file and path for whatever is missing, truncated or
/// of another type or shape, claims more than the file can hold, or is still open for writing in
/// another program; for a sealed file whose bytes are not those that were written before the
/// library sees it.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file);
  /// For trial() alone: what has no seal is not tried in a child first.
  struct Untried {};
  Reader(const std::filesystem::path& file, Untried);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  /// False for a user's own file and for those of Ohmic 0.1.0: damage would not be noticed.
  bool is_sealed() const { return is_sealed_; }
  bool has(const std::string& path) const;
  bool is_group(const std::string& path) const;  ///< false also where there is nothing
  /// Of a data set; nothing is read.
  std::vector<Index> shape(const std::string& path) const;
  Element element(const std::string& path) const;
  /// Names of the children of a group, in creation order if kept, else by name.
  std::vector<std::string> children(const std::string& group) const;
  Array<double> doubles(const std::string& path) const;  ///< any numeric type, converted
  Array<float> floats(const std::string& path) const;
  Array<std::int64_t> integers(const std::string& path) const;
  Array<std::uint8_t> bytes(const std::string& path) const;  ///< of Element::byte
  /// Reads every number of a data set, slice by slice, and keeps none: for trial().
  void scan(const std::string& path) const;
  std::vector<std::string> strings(const std::string& path) const;
  bool holds_strings(const std::string& path) const;
  /// Paths of the dimension scales of every dimension of a data set; none where it has none.
  std::vector<std::vector<std::string>> scales(const std::string& path) const;
  bool has_attribute(const std::string& path, const std::string& name) const;
  /// Names of the attributes of a group or data set, sorted.
  std::vector<std::string> attributes(const std::string& path) const;
  std::string string_attribute(const std::string& path, const std::string& name) const;
  std::int64_t integer_attribute(const std::string& path, const std::string& name) const;
  double double_attribute(const std::string& path, const std::string& name) const;
  const std::filesystem::path& file() const { return file_; }

 private:
  void look();
  void open();
  void close();
  std::filesystem::path file_;
  bool is_sealed_ = false;
  std::uintmax_t size_ = 0;  ///< of the file [bytes]
  std::int64_t handle_ = -1;
};

/// A file being written. It grows in memory, so that a full disk cannot break the library halfway;
/// commit() writes it whole (WholeFile) and sealed (h5_seal.h), and without commit() nothing
/// remains. Throws FileError: an unwritable place at once, a full disk at commit(). Missing groups
/// are made and keep their order. Times are not tracked: equal contents give equal bytes.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& file);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  void write(const std::string& path, const std::vector<Index>& shape, const double* values);
  void write(const std::string& path, const std::vector<Index>& shape, const float* values);
  /// In half precision (IEEE binary16), rounded to the nearest: numpy's float16.
  void write_half(const std::string& path, const std::vector<Index>& shape, const float* values);
  void write(const std::string& path, const std::vector<Index>& shape, const std::int64_t* values);
  void write(const std::string& path, const std::vector<Index>& shape, const std::uint8_t* values);
  void write(const std::string& path, const std::vector<Index>& shape,
             const std::vector<std::string>& values);
  /// Vectors are 1-D; every data set is written once.
  void write(const std::string& path, const std::vector<double>& values);
  void write(const std::string& path, const std::vector<std::int64_t>& values);
  void write(const std::string& path, const std::vector<std::string>& values);
  void write(const std::string& path, ConstView<float> values);
  void write(const std::string& path, ConstView<double> values);
  /// Attributes of a group or data set that exists ("/" is the root). Strings have variable length.
  void attribute(const std::string& path, const std::string& name, const std::string& value);
  void attribute(const std::string& path, const std::string& name, std::int64_t value);
  void attribute(const std::string& path, const std::string& name, int value) {
    attribute(path, name, std::int64_t{value});
  }
  void attribute(const std::string& path, const std::string& name, double value);
  /// Attributes `units` and `long_name` of a data set.
  void describe(const std::string& path, const std::string& units, const std::string& long_name);
  /// Makes `scale` a dimension scale named `name` and attaches it to dimension `dimension` of
  /// `path`.
  void attach_scale(const std::string& path, int dimension, const std::string& scale,
                    const std::string& name);
  /// Makes a 1-D data set the dimension scale of its own axis.
  void make_scale(const std::string& path, const std::string& name);
  void commit();

 private:
  WholeFile out_;
  std::filesystem::path file_;
  std::int64_t handle_ = -1;
};

}  // namespace ohmic::h5
