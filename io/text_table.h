#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ohmic {

/// One field of a text table, without blanks and quotes around it.
struct TableField {
  std::string_view text;
  std::size_t line = 0, column = 0;  ///< 1-based, of the file; columns count characters
};
using TableRow = std::vector<TableField>;

/// A table as spreadsheets, instruments and programs write it; the one reader of all of them.
///
/// Between fields stands what "sep=;" in the first line says, else the first of `;`, tab, comma and
/// blanks that the first row has. Where it is `;` or a tab, a comma inside a number is a decimal
/// comma. A byte-order mark, empty lines, separators behind the last field and rows of nothing but
/// separators at the end are passed over; fields may stand in double quotes. A line is a comment
/// where its first character is `#`, followed by a blank or alone. The first row is a header where
/// it has names and nothing that is, or begins like, a number or an error word.
class TextTable {
 public:
  /// FileError naming line and column for anything that is not a table: rows of different lengths,
  /// a quote that is not closed, binary files.
  explicit TextTable(const std::filesystem::path& file);

  /// The names of columns; empty where the first row is none.
  const TableRow& header() const { return header_; }
  /// At least one row, all of one length, which is the header's where there is one.
  const std::vector<TableRow>& rows() const { return rows_; }
  std::size_t columns() const { return rows_.front().size(); }
  /// The fields of a comment in the first line: some programs write column names there.
  const TableRow& first_comment() const { return first_comment_; }

  /// A field as a finite number; FileError at its place.
  double number(const TableField& field) const;
  /// "FILE:LINE:COLUMN: ", what a message about a field begins with.
  std::string at(const TableField& field) const;
  /// Throws FileError "FILE:LINE:COLUMN: what".
  [[noreturn]] void fail(const TableField& field, const std::string& what) const;
  const std::filesystem::path& file() const { return file_; }

 private:
  void read_lines();
  void add_row(TableRow row);
  void check_one_decimal_sign(const TableField& field) const;

  std::filesystem::path file_;
  std::shared_ptr<const std::string> contents_;  ///< what the fields point into
  char separator_ = '\0';                        ///< '\0': not known yet; ' ': blanks
  TableRow header_, first_comment_;
  std::vector<TableRow> rows_;
  std::optional<TableField> empty_row_;  ///< the first of the rows of separators before here
  mutable std::optional<TableField> with_point_, with_comma_;
};

}  // namespace ohmic
