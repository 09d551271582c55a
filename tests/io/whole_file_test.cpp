#include "io/whole_file.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "folder.h"
#include "full_disk.h"
#include "messages.h"

using namespace ohmic;
using testing::message_of;

TEST_CASE("a file that is written whole replaces the old one and leaves nothing beside it") {
  const testing::Folder folder("whole");
  write_whole_file(folder / "a.txt", "old and longer");
  write_whole_file(folder / "a.txt", "new");
  CHECK(read_whole_file(folder / "a.txt") == "new");
  CHECK(folder.count() == 1);
}

TEST_CASE("a file that is not committed leaves the old one alone") {
  const testing::Folder folder("uncommitted");
  write_whole_file(folder / "a.txt", "old");
  {
    WholeFile out(folder / "a.txt");
    out.write("new", 3);
  }
  CHECK(read_whole_file(folder / "a.txt") == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("an unwritable place is a file error that names file and reason") {
  const testing::Folder folder("unwritable");
  const auto error = [](const std::filesystem::path& file) {
    return message_of<FileError>([&] { write_whole_file(file, "x"); });
  };
  folder.write("plain", "x");
  CHECK(error(folder / "plain/a.txt") ==
        (folder / "plain/a.txt").string() + ": cannot be written (Not a directory)");
  CHECK(error(folder / "no/a.txt") ==
        (folder / "no/a.txt").string() + ": cannot be written (No such file or directory)");
  CHECK(error(folder.path()) == folder.path().string() + ": cannot be written (Is a directory)");
  CHECK(folder.count() == 1);
}

TEST_CASE("a full disk is a file error that leaves nothing") {
  const testing::Folder folder("full");
  const std::string contents(1 << 16, 'x');
  std::string message;
  {
    const testing::FullDisk limit(1 << 12);
    message = message_of<FileError>([&] { write_whole_file(folder / "a.txt", contents); });
  }
  CHECK(message == (folder / "a.txt").string() + ": cannot be written (File too large)");
  CHECK(folder.count() == 0);
}

TEST_CASE("a file that cannot be read is a file error that says why") {
  const testing::Folder folder("unreadable");
  CHECK(message_of<FileError>([&] { read_whole_file(folder / "a"); }) ==
        (folder / "a").string() + ": no such file");
  CHECK(message_of<FileError>([&] { read_whole_file(folder.path()); }) ==
        folder.path().string() + ": is a folder, expected a file");
}
