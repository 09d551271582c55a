#include "io/array_file.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/error.h"
#include "io/config.h"

namespace ohmic {
namespace {

Matrix<float> as_matrix(const h5::Array<float>& array, const std::string& source) {
  if (array.shape.size() > 2)
    throw ShapeError(source + ": has " + std::to_string(array.shape.size()) +
                     " dimensions, expected a matrix");
  const Index columns = array.shape.empty() ? 1 : array.shape.back();
  const Index rows = array.shape.size() == 2 ? array.shape.front() : 1;
  Matrix<float> matrix(rows, columns);
  std::copy(array.values.begin(), array.values.end(), matrix.data());
  return matrix;
}

Matrix<float> read_hdf5_matrix(const std::string& source, std::size_t colon) {
  const h5::Reader reader(source.substr(0, colon));
  return as_matrix(reader.floats(source.substr(colon + 1)), source);
}

Matrix<float> read_any(const std::string& source) {
  for (const char* ending : {".h5:/", ".hdf5:/"}) {
    const std::size_t at = source.find(ending);
    if (at != source.npos) return read_hdf5_matrix(source, source.find(':', at));
  }
  std::string ending = std::filesystem::path(source).extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (ending == ".csv") return Matrix<float>(ConstView<double>(read_csv(source)));
  if (ending == ".npy") return as_matrix(read_npy(source), source);
  if (ending == ".h5" || ending == ".hdf5")
    throw FileError(source + ": expected a data set behind the file, as in " + source + ":/weight");
  throw FileError(source + ": expected FILE.csv, FILE.npy or FILE.h5:/PATH");
}

void check_numbers(const Matrix<float>& matrix, const std::string& source) {
  if (matrix.empty()) throw FileError(source + ": holds no numbers");
  for (Index row = 0; row < matrix.rows(); ++row)
    for (Index col = 0; col < matrix.columns(); ++col)
      if (!std::isfinite(matrix(row, col)))
        throw FileError(source + ": row " + std::to_string(row + 1) + ", column " +
                        std::to_string(col + 1) + " is " + shortest(matrix(row, col)) +
                        ", expected a finite number");
}

}  // namespace

Matrix<float> read_matrix(const std::string& source, const std::string& what) {
  try {
    Matrix<float> matrix = read_any(source);
    check_numbers(matrix, source);
    return matrix;
  } catch (const FileError& error) {
    throw FileError(what + ": " + error.what());
  } catch (const ShapeError& error) {
    throw ShapeError(what + ": " + error.what());
  }
}

}  // namespace ohmic
