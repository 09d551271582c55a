#include <fcntl.h>
#include <hdf5_hl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "io/h5.h"
#include "io/h5_handle.h"
#include "io/h5_trial.h"

namespace ohmic::h5 {
namespace {

constexpr const char* kOpenElsewhere =
    "is open for writing in another program (a notebook?); close it there";

[[noreturn]] void fail(const Reader& reader, const std::string& what) {
  throw FileError(reader.file().string() + ": " + what);
}

std::string quoted(const std::string& path) { return "'" + path + "'"; }

/// Whether another program holds HDF5's lock of a writer.
bool is_being_written(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool refused = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(descriptor);
  return refused;
}

Handle open_object(const Reader& reader, hid_t file, const std::string& path, const char* kind) {
  if (!link_exists(file, path)) fail(reader, std::string("no ") + kind + " " + quoted(path));
  Handle object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
  if (!object.ok()) fail(reader, quoted(path) + " cannot be read (a damaged file)");
  return object;
}

Handle open_dataset(const Reader& reader, hid_t file, const std::string& path) {
  Handle object = open_object(reader, file, path, "data set");
  if (H5Iget_type(object) != H5I_DATASET)
    fail(reader, quoted(path) + " is a group, expected a data set");
  return object;
}

/// The shape behind a data space; the empty one has no elements.
std::vector<Index> shape_of(hid_t space) {
  if (H5Sget_simple_extent_type(space) == H5S_NULL) return {0};
  std::vector<hsize_t> extent(
      static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  H5Sget_simple_extent_dims(space, extent.data(), nullptr);
  std::vector<Index> shape;
  for (hsize_t size : extent) shape.push_back(static_cast<Index>(size));
  return shape;
}

/// What a compressed byte may become: deflate's ratio ends at 1032 (RFC 1951).
constexpr double kMostCompression = 1100;
/// Data sets without storage (never written, or all fill value) may be so large [bytes].
constexpr double kMostUnwritten = 1 << 20;

/// A file claims what it likes: an axis of 10^12, strings of 2^60 bytes. What it cannot hold is
/// refused before anything is allocated, axes beside one of length 0 as well.
void check_claim(const Reader& reader, std::uintmax_t file_size, hid_t type, hid_t space,
                 bool may_be_compressed, const std::string& what) {
  double bytes = static_cast<double>(H5Tget_size(type));
  std::string words;
  if (H5Sget_simple_extent_type(space) != H5S_NULL)
    for (const Index size : shape_of(space)) {
      bytes *= static_cast<double>(std::max<Index>(size, 1));
      if (size < 0) bytes = std::numeric_limits<double>::infinity();
      words += (words.empty() ? "" : " x ") + std::to_string(static_cast<std::uint64_t>(size));
    }
  const double room = static_cast<double>(file_size) * (may_be_compressed ? kMostCompression : 1);
  if (bytes > std::max(room, kMostUnwritten))
    fail(reader, what + " claims " + (words.empty() ? "one value" : words + " values") + " of " +
                     std::to_string(H5Tget_size(type)) + " bytes, more than a file of " +
                     std::to_string(file_size) + " bytes can hold");
}

void check_claim(const Reader& reader, std::uintmax_t file_size, hid_t dataset,
                 const std::string& path) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Handle creation(H5Dget_create_plist(dataset), H5Pclose);
  const bool is_chunked = H5Pget_layout(creation) == H5D_CHUNKED;
  check_claim(reader, file_size, type, space, is_chunked && H5Pget_nfilters(creation) > 0,
              quoted(path));
  if (!is_chunked) return;
  // The library allocates a whole chunk even where the data set needs less.
  std::vector<hsize_t> extent(H5S_MAX_RANK);
  const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, extent.data());
  double bytes = static_cast<double>(H5Tget_size(type));
  for (int d = 0; d < rank; ++d) bytes *= static_cast<double>(extent[static_cast<std::size_t>(d)]);
  constexpr double kMostChunk = 4294967296.0;  // HDF5's own limit
  if (bytes > std::max(static_cast<double>(file_size) * kMostCompression, kMostUnwritten * 64) ||
      bytes >= kMostChunk)
    fail(reader, quoted(path) + " has chunks of more bytes than the file can hold");
}

std::size_t element_count(hid_t space) {
  return static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space)));
}

bool is_number(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT;
}

const char* class_name(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return "integers";
    case H5T_FLOAT:
      return "floats";
    case H5T_STRING:
      return "strings";
    case H5T_ENUM:
      return "enumerators";
    case H5T_COMPOUND:
      return "compounds";
    default:
      return "values of another type";
  }
}

/// HDF5 would clip what does not fit into 64 bits with a sign.
void refuse_large_unsigned(const Reader& reader, hid_t dataset, hid_t type, std::size_t count,
                           const std::string& path) {
  if (H5Tget_sign(type) != H5T_SGN_NONE || H5Tget_size(type) < 8) return;
  std::vector<std::uint64_t> values(count);
  H5Dread(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  for (std::uint64_t value : values)
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      fail(reader, quoted(path) + " holds " + std::to_string(value) + ", beyond 2^63 - 1");
}

template <class T>
Array<T> read_numbers(const Reader& reader, hid_t file, std::uintmax_t file_size,
                      const std::string& path, hid_t memory_type, bool only_integers = false) {
  const Handle dataset = open_dataset(reader, file, path);
  check_claim(reader, file_size, dataset, path);
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  if (only_integers ? H5Tget_class(type) != H5T_INTEGER : !is_number(type))
    fail(reader, quoted(path) + " holds " + class_name(type) + ", expected " +
                     (only_integers ? "integers" : "numbers"));
  Array<T> result{shape_of(space), {}};
  const std::size_t count = element_count(space);
  try {
    if (only_integers) refuse_large_unsigned(reader, dataset, type, count, path);
    result.values.resize(count);
  } catch (const std::bad_alloc&) {
    fail(reader, quoted(path) + " does not fit into memory");
  } catch (const std::length_error&) {
    fail(reader, quoted(path) + " does not fit into memory");
  }
  if (count > 0 &&
      H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.values.data()) < 0)
    fail(reader, quoted(path) + " cannot be read (a damaged file)");
  return result;
}

bool is_byte(hid_t type) {
  return H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == 1 &&
         H5Tget_sign(type) == H5T_SGN_NONE;
}

/// Memory for strings of variable length, which no file has longer than itself.
void* allocate_string(size_t size, void* file_size) {
  return size > *static_cast<std::uintmax_t*>(file_size) + 1 ? nullptr : std::malloc(size);
}
void free_string(void* memory, void*) { std::free(memory); }

/// Strings of a data set or attribute, at most `file_size` bytes each; `read(memory type, buffer,
/// transfer)` is H5Dread or H5Aread.
template <class Read>
std::vector<std::string> read_strings(const Reader& reader, std::uintmax_t file_size, hid_t type,
                                      hid_t space, const std::string& what, Read read) {
  const std::size_t count = element_count(space);
  std::vector<std::string> result;
  if (count == 0) return result;
  if (H5Tis_variable_str(type) > 0) {
    const Handle memory_type = text_type(H5Tget_cset(type));
    std::vector<char*> words(count, nullptr);
    const Handle transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
    H5Pset_vlen_mem_manager(transfer, allocate_string, &file_size, free_string, nullptr);
    if (read(memory_type, words.data(), transfer) < 0)
      fail(reader, what + " cannot be read (a damaged file)");
    for (const char* word : words) result.emplace_back(word ? word : "");
    H5Dvlen_reclaim(memory_type, space, transfer, words.data());
    return result;
  }
  const std::size_t width = H5Tget_size(type);
  std::vector<char> characters(count * width);
  if (read(type, characters.data(), H5P_DEFAULT) < 0)
    fail(reader, what + " cannot be read (a damaged file)");
  const bool blank_padded = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  for (std::size_t i = 0; i < count; ++i) {
    std::string word(characters.data() + i * width, width);
    word.resize(std::min(word.find('\0'), word.size()));
    while (blank_padded && !word.empty() && word.back() == ' ') word.pop_back();
    result.push_back(std::move(word));
  }
  return result;
}

Handle open_attribute(const Reader& reader, hid_t object, const std::string& path,
                      const std::string& name) {
  Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute.ok()) fail(reader, "no attribute '" + name + "' of " + quoted(path));
  return attribute;
}

template <class T>
T number_attribute(const Reader& reader, hid_t file, std::uintmax_t file_size,
                   const std::string& path, const std::string& name, hid_t memory_type,
                   bool only_integers) {
  const Handle object = open_object(reader, file, path, "object");
  const Handle attribute = open_attribute(reader, object, path, name);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  check_claim(reader, file_size, type, space, false, "attribute '" + name + "' of " + quoted(path));
  T value{};
  if ((only_integers ? H5Tget_class(type) != H5T_INTEGER : !is_number(type)) ||
      element_count(space) != 1 || H5Aread(attribute, memory_type, &value) < 0)
    fail(reader, "attribute '" + name + "' of " + quoted(path) + " is not " +
                     (only_integers ? "an integer" : "a number"));
  return value;
}

}  // namespace

Reader::Reader(const std::filesystem::path& file) : file_(file) {
  look();
  if (!is_sealed_)
    if (const std::string what = trial(file_); !what.empty()) fail(*this, what);
  open();
  if (is_sealed_) return;
  // A seal that is gone altogether does not make a file an older one.
  for (const auto& [name, since] : {std::pair("schema_version", kSealedSchema),
                                    std::pair("checkpoint_version", kSealedCheckpoint)}) {
    bool claims = false;
    try {
      claims = has_attribute("/", name) && integer_attribute("/", name) >= since;
    } catch (const FileError&) {  // whoever needs the attribute says so
    }
    if (!claims) continue;
    close();
    fail(*this, std::string("is damaged or was changed: files of ") + name + " " +
                    std::to_string(since) + " are sealed, and this one has no seal");
  }
}

Reader::Reader(const std::filesystem::path& file, Untried) : file_(file) {
  look();
  open();
}

void Reader::look() {
  const Condition condition = condition_of(file_);
  if (condition == Condition::damaged)
    fail(*this, is_being_written(file_) ? kOpenElsewhere : "is truncated or damaged");
  is_sealed_ = condition == Condition::sealed;
  std::error_code unknown;
  size_ = std::filesystem::file_size(file_, unknown);
  if (unknown) fail(*this, "cannot be read (" + unknown.message() + ")");
}

void Reader::open() {
  const Lock lock;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, false,
                      true);  // results appear whole; some network folders cannot lock
#endif
  handle_ = H5Fopen(file_.c_str(), H5F_ACC_RDONLY, access);
  if (handle_ < 0 && is_being_written(file_)) fail(*this, kOpenElsewhere);
  if (handle_ < 0)
    fail(*this, H5Fis_hdf5(file_.c_str()) > 0 ? "is truncated or damaged" : "is not an HDF5 file");
}

void Reader::close() {
  const Lock lock;
  H5Fclose(handle_);
  handle_ = -1;
}

Reader::~Reader() { close(); }

bool Reader::has(const std::string& path) const {
  const Lock lock;
  return link_exists(handle_, path);
}

bool Reader::is_group(const std::string& path) const {
  const Lock lock;
  if (!link_exists(handle_, path)) return path == "/";
  const Handle object = open_object(*this, handle_, path, "object");
  return H5Iget_type(object) == H5I_GROUP;
}

std::vector<std::string> Reader::children(const std::string& group) const {
  const Lock lock;
  const Handle object = open_object(*this, handle_, group, "group");
  if (H5Iget_type(object) != H5I_GROUP)
    fail(*this, quoted(group) + " is a data set, expected a group");
  unsigned order = 0;
  const Handle creation(H5Gget_create_plist(object), H5Pclose);
  H5Pget_link_creation_order(creation, &order);
  const H5_index_t index = order & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  H5G_info_t about{};
  if (H5Gget_info(object, &about) < 0)
    fail(*this, quoted(group) + " cannot be read (a damaged file)");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < about.nlinks; ++i) {
    const ssize_t length =
        H5Lget_name_by_idx(object, ".", index, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0) fail(*this, quoted(group) + " cannot be read (a damaged file)");
    std::string name(static_cast<std::size_t>(length), '\0');
    H5Lget_name_by_idx(object, ".", index, H5_ITER_INC, i, name.data(), name.size() + 1,
                       H5P_DEFAULT);
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<Index> Reader::shape(const std::string& path) const {
  const Lock lock;
  const Handle dataset = open_dataset(*this, handle_, path);
  check_claim(*this, size_, dataset, path);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  return shape_of(space);
}

Element Reader::element(const std::string& path) const {
  const Lock lock;
  const Handle dataset = open_dataset(*this, handle_, path);
  const Handle type(H5Dget_type(dataset), H5Tclose);
  if (!is_number(type))
    fail(*this, quoted(path) + " holds " + class_name(type) + ", expected numbers");
  if (H5Tget_class(type) == H5T_FLOAT) return Element::floating;
  return is_byte(type) ? Element::byte : Element::integer;
}

Array<double> Reader::doubles(const std::string& path) const {
  const Lock lock;
  return read_numbers<double>(*this, handle_, size_, path, H5T_NATIVE_DOUBLE);
}

Array<float> Reader::floats(const std::string& path) const {
  const Lock lock;
  return read_numbers<float>(*this, handle_, size_, path, H5T_NATIVE_FLOAT);
}

Array<std::int64_t> Reader::integers(const std::string& path) const {
  const Lock lock;
  return read_numbers<std::int64_t>(*this, handle_, size_, path, H5T_NATIVE_INT64, true);
}

Array<std::uint8_t> Reader::bytes(const std::string& path) const {
  if (element(path) != Element::byte) fail(*this, quoted(path) + " does not hold bytes");
  const Lock lock;
  return read_numbers<std::uint8_t>(*this, handle_, size_, path, H5T_NATIVE_UINT8, true);
}

void Reader::scan(const std::string& path) const {
  element(path);  // is there one
  const std::vector<Index> extent = shape(path);
  constexpr Index kSlice = 1 << 20;  // numbers
  Index of_row = 1;
  for (std::size_t axis = 1; axis < extent.size(); ++axis) of_row *= extent[axis];
  if (extent.empty() || of_row < 1 || extent[0] * of_row <= kSlice) {
    doubles(path);
    return;
  }
  const Lock lock;
  const Handle dataset = open_dataset(*this, handle_, path);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const Index rows = std::max<Index>(1, kSlice / of_row);
  std::vector<double> slice(static_cast<std::size_t>(rows * of_row));
  std::vector<hsize_t> first(extent.size(), 0), count(extent.begin(), extent.end());
  for (Index row = 0; row < extent[0]; row += rows) {
    first[0] = static_cast<hsize_t>(row);
    count[0] = static_cast<hsize_t>(std::min(rows, extent[0] - row));
    H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr);
    const Handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                        H5Sclose);
    if (H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, slice.data()) < 0)
      fail(*this, quoted(path) + " cannot be read (a damaged file)");
  }
}

std::vector<std::string> Reader::strings(const std::string& path) const {
  const Lock lock;
  const Handle dataset = open_dataset(*this, handle_, path);
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  if (H5Tget_class(type) != H5T_STRING)
    fail(*this, quoted(path) + " holds " + class_name(type) + ", expected strings");
  check_claim(*this, size_, dataset, path);
  return read_strings(*this, size_, type, space, quoted(path),
                      [&](hid_t memory_type, void* buffer, hid_t transfer) {
                        return H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, transfer, buffer);
                      });
}

bool Reader::holds_strings(const std::string& path) const {
  const Lock lock;
  const Handle dataset = open_dataset(*this, handle_, path);
  const Handle type(H5Dget_type(dataset), H5Tclose);
  return H5Tget_class(type) == H5T_STRING;
}

std::vector<std::vector<std::string>> Reader::scales(const std::string& path) const {
  const Lock lock;
  const Handle dataset = open_dataset(*this, handle_, path);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  std::vector<std::vector<std::string>> all(shape_of(space).size());
  const auto gather = [](hid_t, unsigned, hid_t scale, void* to) -> herr_t {
    const ssize_t length = H5Iget_name(scale, nullptr, 0);
    if (length < 0) return -1;
    std::string name(static_cast<std::size_t>(length), '\0');
    H5Iget_name(scale, name.data(), name.size() + 1);
    static_cast<std::vector<std::string>*>(to)->push_back(std::move(name));
    return 0;
  };
  for (std::size_t dimension = 0; dimension < all.size(); ++dimension)
    if (H5DSiterate_scales(dataset, static_cast<unsigned>(dimension), nullptr, gather,
                           &all[dimension]) < 0)
      fail(*this, "the dimension scales of " + quoted(path) + " cannot be read (a damaged file)");
  return all;
}

bool Reader::has_attribute(const std::string& path, const std::string& name) const {
  const Lock lock;
  return link_exists(handle_, path) &&
         H5Aexists_by_name(handle_, path.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> Reader::attributes(const std::string& path) const {
  const Lock lock;
  const Handle object = open_object(*this, handle_, path, "object");
  std::vector<std::string> names;
  const auto gather = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, gather, &names) < 0)
    fail(*this, quoted(path) + " cannot be read (a damaged file)");
  return names;
}

std::string Reader::string_attribute(const std::string& path, const std::string& name) const {
  const Lock lock;
  const Handle object = open_object(*this, handle_, path, "object");
  const Handle attribute = open_attribute(*this, object, path, name);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const std::string what = "attribute '" + name + "' of " + quoted(path);
  if (H5Tget_class(type) != H5T_STRING || element_count(space) != 1)
    fail(*this, what + " is not a string");
  check_claim(*this, size_, type, space, false, what);
  std::vector<std::string> words =
      read_strings(*this, size_, type, space, what, [&](hid_t memory_type, void* buffer, hid_t) {
        return H5Aread(attribute, memory_type, buffer);
      });
  return std::move(words.front());
}

std::int64_t Reader::integer_attribute(const std::string& path, const std::string& name) const {
  const Lock lock;
  return number_attribute<std::int64_t>(*this, handle_, size_, path, name, H5T_NATIVE_INT64, true);
}

double Reader::double_attribute(const std::string& path, const std::string& name) const {
  const Lock lock;
  return number_attribute<double>(*this, handle_, size_, path, name, H5T_NATIVE_DOUBLE, false);
}

}  // namespace ohmic::h5
