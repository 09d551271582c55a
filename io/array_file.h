#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// Numbers in the files that other programs write: numpy's .npy and .npz, .safetensors, CSV, HDF5.
namespace ohmic {

/// A .npy file (little- or big-endian floats of 2, 4 and 8 bytes and integers, C or Fortran order).
/// FileError names file and fault; ShapeError for more dimensions than numpy has.
h5::Array<float> read_npy(const std::filesystem::path& file);
/// Writes float32, C order; appears whole.
void write_npy(const std::filesystem::path& file, const std::vector<Index>& shape,
               const float* values);
/// Every array of a .npz (stored or deflated), by name without ".npy". FileError also where it
/// unpacks to more than `limit` bytes.
std::map<std::string, h5::Array<float>> read_npz(const std::filesystem::path& file,
                                                 std::uint64_t limit = std::uint64_t{1} << 32);
/// Every array of a .safetensors file (floats of 2, 4 and 8 bytes, bfloat16, integers), by name.
/// FileError names file, array and fault.
std::map<std::string, h5::Array<float>> read_safetensors(const std::filesystem::path& file);
/// A matrix of numbers from a text table (io/text_table.h); a header is skipped with a remark.
/// FileError at the line and column of anything that is not a number, or none of single precision.
Matrix<double> read_csv(const std::filesystem::path& file);
/// Writes one row per line, separated by commas, each number in the shortest form that reads back
/// to the same float.
void write_csv(const std::filesystem::path& file, ConstView<float> values);
/// A matrix from "a.csv", "a.npy" or "file.h5:/path" by its ending. A 1-D array is one row.
/// FileError for another ending, ShapeError for more than two dimensions; `what` ("--weights")
/// begins the message. NaN and infinity are FileErrors that name row and column.
Matrix<float> read_matrix(const std::string& source, const std::string& what);

}  // namespace ohmic
