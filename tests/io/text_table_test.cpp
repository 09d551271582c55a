#include "io/text_table.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "folder.h"
#include "io/remark.h"
#include "messages.h"

using namespace ohmic;
using testing::Folder;
using testing::message_of;

namespace {

/// "a|b/1|2": the header and rows of a table with these contents.
std::string fields_of(const std::string& contents) {
  const Folder folder("text-table");
  const TextTable table(folder.write("t.csv", contents));
  const auto words = [](const TableRow& row) {
    std::string text;
    for (const TableField& field : row) text += (text.empty() ? "" : "|") + std::string(field.text);
    return text;
  };
  std::string text = words(table.header());
  for (const TableRow& row : table.rows()) text += "/" + words(row);
  return text;
}

}  // namespace

TEST_CASE("the first row says what stands between fields, whatever later text holds") {
  CHECK(fields_of("name,a\nx; y,1\n") == "name|a/x; y|1");
  CHECK(fields_of("name;a\nx, y;1\n") == "name|a/x, y|1");
  CHECK(fields_of("1,\t2\n3,\t4\n") == "/1|2/3|4");
  CHECK(fields_of("1,5\t2\n") == "/1,5|2");
  CHECK(fields_of("a\n1\n") == "a/1");
  CHECK(fields_of("#,a\n1,2\n") == "#|a/1|2");
  CHECK(fields_of("\"a, b\",c\n1,2\n") == "a, b|c/1|2");
  CHECK(fields_of("sep=|\na|b\n1|2\n") == "a|b/1|2");
}

TEST_CASE("a place counts the lines and characters of the file itself") {
  const Folder folder("places");
  const auto place = [&](const std::string& contents) {
    const TextTable table(folder.write("t.csv", contents));
    const TableField& last = table.rows().back().back();
    return std::to_string(last.line) + ":" + std::to_string(last.column);
  };
  CHECK(place("1, 2\n") == "1:4");
  CHECK(place("\xef\xbb\xbf# mark\r\n\r\na,b\r\n1,2\r\n") == "4:3");
  CHECK(place("\xc2\xb5,b\n\"\xc2\xb5\xc2\xb5\",2\n") == "2:6");
  CHECK(place("sep=;\n1;2\n") == "2:3");
  CHECK(place("1\t 2\r3\t 4\r") == "2:4");
}

TEST_CASE("what cannot be a table is refused by line and column") {
  const Folder folder("bad-text-table");
  const auto refuse = [&](const std::string& contents, const std::string& message) {
    const std::string file = folder.write("t.csv", contents).string();
    CHECK(message_of<FileError>([&] { TextTable{file}; }) == file + message);
  };
  refuse("a,b\n\"1,2\n", ":2:1: a quote is not closed in its line");
  refuse("a,b\n1,2\n3\n", ":3:1: a row of 1, expected 2 as in line 2");
  refuse("a;b\n1;2\n3;4;5\n", ":3:5: a row of 3, expected 2 as in line 2");
  refuse(
      "\xff\xfe"
      "1\n",
      ": is UTF-16 text; save it as CSV in UTF-8");
  refuse("# nothing\n", ": holds no numbers");
}

TEST_CASE("a remark reaches the innermost listener once") {
  std::vector<std::string> outer, inner;
  remark("nobody listens");
  {
    const RemarkListener first([&](const std::string& line) { outer.push_back(line); });
    remark("a");
    {
      const RemarkListener second([&](const std::string& line) { inner.push_back(line); });
      remark("b");
      remark("b");
    }
    remark("a");
    remark("c");
  }
  CHECK(outer == std::vector<std::string>{"a", "c"});
  CHECK(inner == std::vector<std::string>{"b"});
}
