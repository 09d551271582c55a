#include "io/text_table.h"

#include <cmath>

#include "fuzz/target.h"
#include "io/array_file.h"

namespace ohmic::fuzz {
namespace {

/// A table of text, and the matrix that it is.
const Target kTextTable("text_table", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input.csv");
  const auto matrix = accepted_twice(file, [&] {
    const Matrix<double> read = read_csv(file);
    return std::pair(read.columns(), std::vector<double>(read.data(), read.data() + read.size()));
  });
  if (!matrix) return;
  const auto& [columns, values] = *matrix;
  const TextTable table(file);
  expect(table.rows().size() * table.columns() == values.size(), "a matrix lacks numbers");
  expect(static_cast<std::size_t>(columns) == table.columns(), "a matrix has other columns");
  for (const double value : values) expect(std::isfinite(value), "a table's number is not finite");
  for (const TableRow& row : table.rows())
    for (const TableField& field : row)
      expect(input.find(field.text) != input.npos && field.line > 0 && field.column > 0,
             "a field that does not stand in the file");
  // What is written of the matrix reads back to the same floats.
  Matrix<float> floats(static_cast<Index>(table.rows().size()), columns);
  for (std::size_t i = 0; i < values.size(); ++i) floats.data()[i] = static_cast<float>(values[i]);
  const std::filesystem::path echo = file_of("", "echo.csv");
  write_csv(echo, floats);
  const Matrix<double> back = read_csv(echo);
  for (Index i = 0; i < floats.size(); ++i)
    expect(static_cast<float>(back.data()[i]) == floats.data()[i], "a written table differs");
});

}  // namespace
}  // namespace ohmic::fuzz
