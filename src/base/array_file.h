#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/h5.h"
#include "base/matrix.h"
#include "base/whole_file.h"

/// Numbers in the files that other programs write: numpy's .npy and .npz, CSV, HDF5.
namespace ohmic {

/// A .npy file (little- or big-endian floats and integers, C or Fortran order). FileError names
/// file and fault.
h5::Array<float> read_npy(const std::filesystem::path& file);
/// Writes float32, C order; appears whole.
void write_npy(const std::filesystem::path& file, const std::vector<Index>& shape,
               const float* values);
/// Every array of a .npz (stored or deflated), by name without ".npy".
std::map<std::string, h5::Array<float>> read_npz(const std::filesystem::path& file);
/// A matrix from CSV. Numbers stand between semicolons where the file has one, else between commas,
/// else between blanks or tabs; '#' starts a comment; one header line of words is skipped.
/// FileError names file, line and column of what is no number, and the line of a row of another
/// length.
Matrix<double> read_csv(const std::filesystem::path& file);
/// Writes a row a line, commas between, each number in the shortest form that reads back to the
/// same float.
void write_csv(const std::filesystem::path& file, ConstView<float> values);
/// A matrix from "a.csv", "a.npy" or "file.h5:/path" by its ending. A 1-D array is one row.
/// FileError for another ending, ShapeError for more than two dimensions; `what` ("--weights")
/// begins the message. NaN and infinity are FileErrors that name row and column.
Matrix<float> read_matrix(const std::string& source, const std::string& what);

}  // namespace ohmic
