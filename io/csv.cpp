#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "io/array_file.h"
#include "io/remark.h"
#include "io/text_table.h"

namespace ohmic {
namespace {

/// A header says nothing of a matrix: it is skipped, and the user is told.
void skip_header(const TextTable& table) {
  if (table.header().empty()) return;
  std::string names;
  for (const TableField& field : table.header()) {
    if (field.text.empty())
      table.fail(
          table.header().front(),
          "a column has no name; a matrix has no column of row numbers (an index of pandas?)");
    names += (names.empty() ? "" : ", ") + std::string(field.text);
  }
  remark(table.at(table.header().front()) + "names of columns, skipped: " + names);
}

}  // namespace

Matrix<double> read_csv(const std::filesystem::path& file) {
  const TextTable table(file);
  skip_header(table);
  Matrix<double> matrix(static_cast<Index>(table.rows().size()),
                        static_cast<Index>(table.columns()));
  double* next = matrix.data();
  for (const TableRow& row : table.rows())
    for (const TableField& field : row) {
      *next = table.number(field);
      if (std::isinf(static_cast<float>(*next)))
        table.fail(field, std::string(field.text) + " is beyond single precision (3.4e38)");
      ++next;
    }
  return matrix;
}

void write_csv(const std::filesystem::path& file, ConstView<float> values) {
  std::string text;
  for (Index row = 0; row < values.rows(); ++row)
    for (Index col = 0; col < values.columns(); ++col)
      text += fmt::format("{}{}", values(row, col), col + 1 < values.columns() ? ',' : '\n');
  write_whole_file(file, text);
}

}  // namespace ohmic
