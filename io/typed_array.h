#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/h5.h"

/// Arrays too large to pass through other types: told by their headers first, then read in the type
/// that they have in their file.
namespace ohmic {

struct ArrayHeader {
  std::vector<Index> shape;
  h5::Element element = h5::Element::byte;
};

/// A .npy file, or a data set of an HDF5 file.
struct ArrayPlace {
  std::filesystem::path file;
  std::string data_set = "";  ///< "": a .npy file
  std::string words() const { return file.string() + (data_set.empty() ? "" : ":" + data_set); }
};

/// Shape and type. FileError where there is no array of numbers, or fewer bytes than it claims.
ArrayHeader header_of(const ArrayPlace& place);
/// The numbers. FileError where they have another type, or do not fit into memory. Bytes and floats
/// need no more memory than the result; floats of 8 bytes are rounded.
h5::Array<std::uint8_t> read_bytes(const ArrayPlace& place);
h5::Array<float> read_floats(const ArrayPlace& place);
/// Any integers; unsigned ones beyond 2^63 - 1 become that or are a FileError.
h5::Array<std::int64_t> read_integers(const ArrayPlace& place);

/// The same of a .npy file.
ArrayHeader npy_header(const std::filesystem::path& file);
h5::Array<std::uint8_t> read_npy_bytes(const std::filesystem::path& file);
h5::Array<std::int64_t> read_npy_integers(const std::filesystem::path& file);

}  // namespace ohmic
