#include "io/typed_array.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>

#include "base/error.h"
#include "folder.h"
#include "messages.h"
#include "npy_bytes.h"

using namespace ohmic;
using testing::message_of;
using testing::npy_bytes;

namespace {

template <class T>
void check_integers(const testing::Folder& folder, h5::Element element) {
  const ArrayPlace place{folder.write("n.npy", npy_bytes<T>({3}, {0, 1, T(200)}))};
  CHECK(header_of(place).shape == std::vector<Index>{3});
  CHECK(header_of(place).element == element);
  CHECK(read_integers(place).values ==
        std::vector<std::int64_t>{0, 1, static_cast<std::int64_t>(T(200))});
}

}  // namespace

TEST_CASE("arrays are told by their headers and read in their own type") {
  const testing::Folder folder("typed");
  check_integers<std::uint8_t>(folder, h5::Element::byte);
  check_integers<std::int8_t>(folder, h5::Element::integer);
  check_integers<std::int16_t>(folder, h5::Element::integer);
  check_integers<std::uint16_t>(folder, h5::Element::integer);
  check_integers<std::int32_t>(folder, h5::Element::integer);
  check_integers<std::int64_t>(folder, h5::Element::integer);
  check_integers<std::uint64_t>(folder, h5::Element::integer);
  const ArrayPlace doubles{folder.write("d.npy", npy_bytes<double>({2}, {0.1, -3}))},
      bytes{folder.write("b.npy", npy_bytes<std::uint8_t>({2, 3}, {0, 1, 2, 3, 4, 255}))},
      large{folder.write("l.npy", npy_bytes<std::uint64_t>({1}, {~std::uint64_t{0}}))};
  CHECK(header_of(doubles).element == h5::Element::floating);
  CHECK(read_floats(doubles).values == std::vector<float>{0.1f, -3});
  CHECK(read_bytes(bytes).values == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 255});
  CHECK(read_bytes(bytes).shape == std::vector<Index>{2, 3});
  CHECK(read_integers(large).values[0] == std::numeric_limits<std::int64_t>::max());
  CHECK(message_of<FileError>([&] { read_bytes(doubles); }) ==
        doubles.file.string() + ": holds elements of type 'f8'");
  CHECK(message_of<FileError>([&] { read_integers(doubles); }) ==
        doubles.file.string() + ": holds elements of type 'f8'");
}

TEST_CASE("long arrays and those in Fortran order are read piece by piece") {
  const testing::Folder folder("pieces");
  constexpr Index kRows = 700, kColumns = 400;  // more than two pieces
  std::vector<std::int32_t> values(kRows * kColumns);
  std::iota(values.begin(), values.end(), 0);
  const ArrayPlace plain{folder.write("c.npy", npy_bytes({kRows, kColumns}, values))},
      other{folder.write("f.npy", npy_bytes({kRows, kColumns}, values, true))};
  const auto in_c = read_integers(plain).values, in_fortran = read_integers(other).values;
  bool same = true;
  for (Index row = 0; row < kRows; ++row)
    for (Index column = 0; column < kColumns; ++column) {
      const auto at = static_cast<std::size_t>(row * kColumns + column);
      same = same && in_c[at] == row * kColumns + column && in_fortran[at] == column * kRows + row;
    }
  CHECK(same);
}

TEST_CASE("data sets of HDF5 files are the same arrays") {
  const testing::Folder folder("typed-h5");
  {
    h5::Writer out(folder / "a.h5");
    const std::uint8_t bytes[] = {0, 255};
    out.write("/train/bytes", {1, 2}, bytes);
    out.write("/train/floats", std::vector<double>{0.1});
    out.write("/train/integers", std::vector<std::int64_t>{-4});
    out.write("/words", std::vector<std::string>{"a"});
    out.commit();
  }
  const ArrayPlace bytes{folder / "a.h5", "/train/bytes"}, floats{folder / "a.h5", "/train/floats"},
      integers{folder / "a.h5", "/train/integers"}, words{folder / "a.h5", "/words"};
  CHECK(header_of(bytes).shape == std::vector<Index>{1, 2});
  CHECK(header_of(bytes).element == h5::Element::byte);
  CHECK(header_of(floats).element == h5::Element::floating);
  CHECK(header_of(integers).element == h5::Element::integer);
  CHECK(read_bytes(bytes).values == std::vector<std::uint8_t>{0, 255});
  CHECK(read_floats(floats).values == std::vector<float>{0.1f});
  CHECK(read_integers(integers).values == std::vector<std::int64_t>{-4});
  const std::string file = (folder / "a.h5").string();
  CHECK(message_of<FileError>([&] { read_bytes(integers); }) ==
        file + ": '/train/integers' does not hold bytes");
  CHECK(message_of<FileError>([&] { header_of(words); }) ==
        file + ": '/words' holds strings, expected numbers");
}

TEST_CASE("a large file without a seal is tried slice by slice") {
  const testing::Folder folder("slices");
  {
    h5::Writer out(folder / "a.h5");
    const std::vector<std::uint8_t> bytes(3 * 1'000'000, 7);
    out.write("/images", {3'000, 1'000}, bytes.data());
    out.write("/row", {1, 3'000'000}, bytes.data());
    out.write("/words", std::vector<std::string>{"a"});
    out.commit();
  }
  const h5::Reader in(folder / "a.h5");
  CHECK_NOTHROW(in.scan("/images"));
  CHECK_NOTHROW(in.scan("/row"));
  CHECK_THROWS_AS(in.scan("/words"), FileError);
}
