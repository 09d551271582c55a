#include "io/h5_seal.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "folder.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// The seal: which damage is noticed, and before the library opens a file.
namespace ohmic {
namespace {

using h5::Condition;

std::string sealed_bytes(const testing::Folder& folder) {
  h5::Writer out(folder / "whole.h5");
  out.write("/x", std::vector<double>{1, 2, 3});
  out.attribute("/", "schema_version", h5::kSealedSchema);
  out.commit();
  return read_whole_file(folder / "whole.h5");
}

TEST_CASE("every file is sealed, and one flipped bit anywhere in it is noticed") {
  const testing::Folder folder("h5-seal");
  std::string bytes = sealed_bytes(folder);
  CHECK(h5::condition_of(folder / "whole.h5") == Condition::sealed);
  CHECK(h5::Reader(folder / "whole.h5").is_sealed());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const char flip = static_cast<char>(1 << at % 8);
    bytes[at] ^= flip;
    folder.write("flipped.h5", bytes);
    bytes[at] ^= flip;
    CAPTURE(at);
    REQUIRE(h5::condition_of(folder / "flipped.h5") == Condition::damaged);
    if (at % 97 == 0) REQUIRE_THROWS_AS(h5::Reader(folder / "flipped.h5"), FileError);
  }
}

TEST_CASE("a sealed file that is cut anywhere, or longer than it was, is damaged") {
  const testing::Folder folder("h5-cut");
  const std::string bytes = sealed_bytes(folder);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    folder.write("cut.h5", bytes.substr(0, size));
    CAPTURE(size);
    REQUIRE(h5::condition_of(folder / "cut.h5") == Condition::damaged);
  }
  folder.write("long.h5", bytes + "\n");
  CHECK(h5::condition_of(folder / "long.h5") == Condition::damaged);
  // Blocks that a medium filled up with zeros are no damage.
  folder.write("padded.h5", bytes + std::string(5000, '\0'));
  CHECK(h5::condition_of(folder / "padded.h5") == Condition::sealed);
}

TEST_CASE("a file that says schema 3 and has no trace of a seal is no older file") {
  const testing::Folder folder("h5-unsealed");
  std::string bytes = sealed_bytes(folder);
  bytes.resize(bytes.size() - h5::seal_text(std::string(32, '0')).size());
  for (std::size_t at; (at = bytes.find("ohmic seal")) != bytes.npos;) bytes[at] = 'O';
  folder.write("stripped.h5", bytes);
  REQUIRE(h5::condition_of(folder / "stripped.h5") == Condition::unsealed);
  try {
    h5::Reader reader(folder / "stripped.h5");
    FAIL("it was opened");
  } catch (const FileError& error) {
    CHECK(std::string(error.what())
              .ends_with("is damaged or was changed: files of schema_version 3 are sealed, and "
                         "this one has no "
                         "seal"));
  }
}

TEST_CASE("a file of Ohmic 0.1.0 or of a user has no seal and is read") {
  const std::string old = OHMIC_GOLDEN "/cases/results-1bit.h5";
  CHECK(h5::condition_of(old) == Condition::unsealed);
  CHECK_FALSE(h5::Reader(old).is_sealed());
}

TEST_CASE("data sets that claim more than their file can hold are refused by name") {
  const auto message = [](const std::string& name, auto read) -> std::string {
    try {
      const h5::Reader in(OHMIC_GOLDEN "/cases/" + name);
      read(in);
    } catch (const FileError& error) {
      const std::string text = error.what();
      return text.substr(text.find(name));
    }
    return "";
  };
  CHECK(message("rep-accall.h5", [](const h5::Reader& in) { in.doubles("/chips/accuracy_all"); }) ==
        "rep-accall.h5: '/chips/accuracy_all' claims 1000000000000 x 0 x 0 values of 8 bytes, more "
        "than a file of 30592 bytes can hold");
  CHECK(message("rep-accall.h5", [](const h5::Reader& in) { in.shape("/chips/accuracy_all"); }) !=
        "");
  CHECK(message("strings-big.h5", [](const h5::Reader& in) { in.strings("/layers/name"); }) ==
        "strings-big.h5: '/layers/name' claims 1000000000 values of 8 bytes, more than a file of "
        "30627 bytes can hold");
}

TEST_CASE("a file that crashes the HDF5 library is refused by name, as a child found out") {
  // Bytes of 0.1.0's results changed at random: this one ends in a SIGSEGV within H5HG_read.
  try {
    h5::Reader in(OHMIC_GOLDEN "/cases/results-crash.h5");
    FAIL("it was opened");
  } catch (const FileError& error) {
    CHECK(std::string(error.what())
              .ends_with("results-crash.h5: is damaged: the HDF5 library crashes on it"));
  }
  // The next file is none the worse for it.
  CHECK(h5::Reader(OHMIC_GOLDEN "/cases/results-1bit.h5").has("/chips"));
}

TEST_CASE("a digest of pieces is that of the whole") {
  // condition_of() reads in pieces of a megabyte, the writer digests at once.
  const testing::Folder folder("h5-long");
  h5::Writer out(folder / "long.h5");
  out.write("/x", std::vector<double>(400000, 0.5));
  out.commit();
  CHECK(h5::condition_of(folder / "long.h5") == Condition::sealed);
}

}  // namespace
}  // namespace ohmic
