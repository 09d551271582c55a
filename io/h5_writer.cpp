#include <hdf5_hl.h>

#include <algorithm>

#include "base/error.h"
#include "io/digest.h"
#include "io/h5.h"
#include "io/h5_handle.h"
#include "io/half.h"

namespace ohmic::h5 {
namespace {

constexpr std::size_t kGrowth = std::size_t{1} << 20;  // bytes by which the file in memory grows

/// Creation properties of a group: its children keep their order, and no times are stored.
void keep_order(hid_t properties) {
  H5Pset_link_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(properties, false);
}

void check(bool works, const std::filesystem::path& file, const std::string& what) {
  if (!works) throw FileError(file.string() + ": cannot write " + what + " (out of memory?)");
}

void make_groups_above(hid_t file, const std::filesystem::path& name, const std::string& path) {
  std::vector<std::string> groups = prefixes(path);
  groups.pop_back();
  for (const std::string& group : groups) {
    if (H5Lexists(file, group.c_str(), H5P_DEFAULT) > 0) continue;
    const Handle creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
    keep_order(creation);
    const Handle link(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
    H5Pset_char_encoding(link, H5T_CSET_UTF8);
    const Handle made(H5Gcreate2(file, group.c_str(), link, creation, H5P_DEFAULT), H5Gclose);
    check(made.ok(), name, "group '" + group + "'");
  }
}

void write_dataset(hid_t file, const std::filesystem::path& name, const std::string& path,
                   const std::vector<Index>& shape, hid_t file_type, hid_t memory_type,
                   const void* values) {
  ensure(!prefixes(path).empty(), "a data set needs a name");
  make_groups_above(file, name, path);
  if (H5Lexists(file, path.c_str(), H5P_DEFAULT) > 0)
    throw LogicError(name.string() + ": '" + path + "' is written twice");
  bool has_elements = true;
  std::vector<hsize_t> extent;
  for (Index size : shape) {
    extent.push_back(static_cast<hsize_t>(size));
    has_elements &= size > 0;
  }
  const Handle space(
      shape.empty() ? H5Screate(H5S_SCALAR)
                    : H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
      H5Sclose);
  const Handle link(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_char_encoding(link, H5T_CSET_UTF8);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  const Handle dataset(
      H5Dcreate2(file, path.c_str(), file_type, space, link, creation, H5P_DEFAULT), H5Dclose);
  check(dataset.ok() && (!has_elements || H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL,
                                                   H5P_DEFAULT, values) >= 0),
        name, "data set '" + path + "'");
}

void write_attribute(hid_t file, const std::filesystem::path& name, const std::string& path,
                     const std::string& attribute, hid_t file_type, hid_t memory_type,
                     const void* value) {
  const Handle object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
  ensure(object.ok(), "an attribute of an object that was not written");
  if (H5Aexists(object, attribute.c_str()) > 0) H5Adelete(object, attribute.c_str());
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle made(
      H5Acreate2(object, attribute.c_str(), file_type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(made.ok() && H5Awrite(made, memory_type, value) >= 0, name,
        "attribute '" + attribute + "' of '" + path + "'");
}

}  // namespace

Writer::Writer(const std::filesystem::path& file) : out_(file), file_(file) {
  static int count = 0;
  const Lock lock;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_fapl_core(access, kGrowth, false);
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  keep_order(creation);
  // The library tells files in memory apart by name.
  const std::string name = "ohmic-" + std::to_string(++count);
  handle_ = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation, access);
  check(handle_ >= 0, file_, "the file");
}

Writer::~Writer() {
  const Lock lock;
  if (handle_ >= 0) H5Fclose(handle_);
}

void Writer::write(const std::string& path, const std::vector<Index>& shape, const double* values) {
  const Lock lock;
  write_dataset(handle_, file_, path, shape, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values);
}

void Writer::write(const std::string& path, const std::vector<Index>& shape, const float* values) {
  const Lock lock;
  write_dataset(handle_, file_, path, shape, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values);
}

void Writer::write_half(const std::string& path, const std::vector<Index>& shape,
                        const float* values) {
  const Lock lock;
  const Handle half(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
  // Sign at bit 15, five bits of exponent from bit 10 on, ten of significand.
  const bool works = H5Tset_fields(half, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(half, 2) >= 0 &&
                     H5Tset_ebias(half, 15) >= 0;
  check(works, file_, "data set '" + path + "'");
  std::size_t count = 1;
  for (const Index size : shape) count *= static_cast<std::size_t>(size);
  // Rounded here: the library rounds ties away from zero and cuts subnormal numbers off.
  std::vector<std::uint16_t> bits(count);
  std::transform(values, values + count, bits.begin(), to_half);
  const Handle native(H5Tcopy(half), H5Tclose);
  check(H5Tset_order(native, H5Tget_order(H5T_NATIVE_FLOAT)) >= 0, file_,
        "data set '" + path + "'");
  write_dataset(handle_, file_, path, shape, half, native, bits.data());
}

void Writer::write(const std::string& path, const std::vector<Index>& shape,
                   const std::int64_t* values) {
  const Lock lock;
  write_dataset(handle_, file_, path, shape, H5T_STD_I64LE, H5T_NATIVE_INT64, values);
}

void Writer::write(const std::string& path, const std::vector<Index>& shape,
                   const std::uint8_t* values) {
  const Lock lock;
  write_dataset(handle_, file_, path, shape, H5T_STD_U8LE, H5T_NATIVE_UINT8, values);
}

void Writer::write(const std::string& path, const std::vector<double>& values) {
  write(path, {static_cast<Index>(values.size())}, values.data());
}

void Writer::write(const std::string& path, const std::vector<std::int64_t>& values) {
  write(path, {static_cast<Index>(values.size())}, values.data());
}

void Writer::write(const std::string& path, const std::vector<std::string>& values) {
  write(path, {static_cast<Index>(values.size())}, values);
}

void Writer::write(const std::string& path, const std::vector<Index>& shape,
                   const std::vector<std::string>& values) {
  std::vector<const char*> words;
  for (const std::string& word : values) {
    ensure(word.find('\0') == word.npos, "HDF5 strings end at the first zero byte");
    words.push_back(word.c_str());
  }
  const Lock lock;
  const Handle type = text_type();
  write_dataset(handle_, file_, path, shape, type, type, words.data());
}

void Writer::write(const std::string& path, ConstView<float> values) {
  const Matrix<float> copy(values);
  write(path, {copy.rows(), copy.columns()}, copy.data());
}

void Writer::write(const std::string& path, ConstView<double> values) {
  const Matrix<double> copy(values);
  write(path, {copy.rows(), copy.columns()}, copy.data());
}

void Writer::attribute(const std::string& path, const std::string& name, const std::string& value) {
  ensure(value.find('\0') == value.npos, "HDF5 strings end at the first zero byte");
  const Lock lock;
  const Handle type = text_type();
  const char* word = value.c_str();
  write_attribute(handle_, file_, path, name, type, type, &word);
}

void Writer::attribute(const std::string& path, const std::string& name, std::int64_t value) {
  const Lock lock;
  write_attribute(handle_, file_, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value);
}

void Writer::attribute(const std::string& path, const std::string& name, double value) {
  const Lock lock;
  write_attribute(handle_, file_, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
}

void Writer::describe(const std::string& path, const std::string& units,
                      const std::string& long_name) {
  attribute(path, "units", units);
  attribute(path, "long_name", long_name);
}

void Writer::attach_scale(const std::string& path, int dimension, const std::string& scale,
                          const std::string& name) {
  const Lock lock;
  const Handle dataset(H5Dopen2(handle_, path.c_str(), H5P_DEFAULT), H5Dclose);
  const Handle axis(H5Dopen2(handle_, scale.c_str(), H5P_DEFAULT), H5Dclose);
  ensure(dataset.ok() && axis.ok(), "a scale is attached to a data set that was not written");
  const bool is_scale = H5DSis_scale(axis) > 0 || H5DSset_scale(axis, name.c_str()) >= 0;
  check(is_scale && H5DSattach_scale(dataset, axis, static_cast<unsigned>(dimension)) >= 0, file_,
        "dimension scale '" + scale + "' of '" + path + "'");
}

void Writer::make_scale(const std::string& path, const std::string& name) {
  const Lock lock;
  const Handle axis(H5Dopen2(handle_, path.c_str(), H5P_DEFAULT), H5Dclose);
  ensure(axis.ok(), "a scale is made of a data set that was not written");
  check(H5DSis_scale(axis) > 0 || H5DSset_scale(axis, name.c_str()) >= 0, file_,
        "dimension scale '" + path + "'");
}

void Writer::commit() {
  ensure(handle_ >= 0, "a file is committed twice");
  attribute("/", kSealAttribute, std::string(kSealWords));
  const Lock lock;
  void* image = nullptr;
  // Of the driver for files in memory, the "file handle" is the address of the pointer to the
  // bytes.
  const bool flushed = H5Fflush(handle_, H5F_SCOPE_GLOBAL) >= 0;
  const ssize_t size = H5Fget_file_image(handle_, nullptr, 0);
  check(flushed && size > 0 && H5Fget_vfd_handle(handle_, H5P_DEFAULT, &image) >= 0, file_,
        "the file");
  const std::string_view bytes(*static_cast<char**>(image), static_cast<std::size_t>(size));
  out_.write(bytes.data(), bytes.size());
  const std::string seal = seal_text(digest(bytes));
  out_.write(seal.data(), seal.size());
  out_.commit();
  H5Fclose(handle_);
  handle_ = -1;
}

}  // namespace ohmic::h5
