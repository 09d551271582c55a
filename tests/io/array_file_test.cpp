#include "io/array_file.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "folder.h"
#include "io/half.h"
#include "messages.h"

using namespace ohmic;
using testing::message_of;

namespace {

// Written by numpy; golden/arrays/make.py.
std::filesystem::path golden(const std::string& file) {
  return std::filesystem::path(OHMIC_GOLDEN) / "arrays" / file;
}

const std::vector<float> kRamp{-1.5, -0.5, 0.5, 1.5, 2.5, 3.5};

/// The message without the file's name, which it begins with.
template <class Read>
std::string error(const std::filesystem::path& file, Read read) {
  const std::string message = message_of<FileError>([&] { read(file); });
  if (message.empty()) return "no error";
  return message.starts_with(file.string()) ? message.substr(file.string().size())
                                            : "not named: " + message;
}
std::string npy_error(const std::filesystem::path& file) { return error(file, read_npy); }
std::string npz_error(const std::filesystem::path& file) {
  return error(file, [](const auto& f) { read_npz(f); });
}
std::string csv_error(const std::filesystem::path& file) { return error(file, read_csv); }

std::vector<double> values_of(const Matrix<double>& m) { return {m.data(), m.data() + m.size()}; }

std::string npy(const std::string& header, const std::string& numbers = "") {
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header +
         numbers;
}

}  // namespace

TEST_CASE("numpy's arrays are read: types, byte orders, Fortran order, versions") {
  for (const char* file : {"f4.npy", "f8_big_endian.npy", "f4_fortran.npy", "version2.npy"}) {
    CAPTURE(file);
    const h5::Array<float> a = read_npy(golden(file));
    CHECK(a.shape == std::vector<Index>{2, 3});
    CHECK(a.values == kRamp);
  }
  const h5::Array<float> cube = read_npy(golden("i2_big_endian_3d.npy"));
  CHECK(cube.shape == std::vector<Index>{2, 3, 4});
  for (std::size_t i = 0; i < 24; ++i) CHECK(cube.values[i] == static_cast<float>(i));
  CHECK(read_npy(golden("u1.npy")).values == std::vector<float>{0, 7, 255});
  CHECK(read_npy(golden("i8_scalar.npy")).shape.empty());
  CHECK(read_npy(golden("i8_scalar.npy")).values == std::vector<float>{-5});
}

TEST_CASE("half-precision arrays are read from .npy, .npz and HDF5, subnormal numbers and all") {
  // 2^-14 is the smallest normal number, 65504 the largest.
  const std::vector<float> expected{1.5f, -0.25f, 0.0f, 1024.0f, -0x1p-14f, 65504.0f};
  CHECK(read_npy(golden("f2.npy")).values == expected);
  CHECK(read_npy(golden("f2_big_endian.npy")).values == expected);
  CHECK(read_npz(golden("half.npz")).at("fc1.weight").values == expected);
  CHECK(h5::Reader(golden("half.h5")).floats("/fc1.weight").values == expected);
  CHECK(from_half(0x0001) == 0x1p-24f);
  CHECK(from_half(0x83ff) == -1023 * 0x1p-24f);
  CHECK(std::isinf(from_half(0xfc00)));
  CHECK(std::isnan(from_half(0x7e00)));
  CHECK(from_bfloat16(0xc049) == -3.140625f);
}

TEST_CASE("an array is written byte for byte as numpy writes it") {
  const testing::Folder folder("npy");
  write_npy(folder / "a.npy", {2, 3}, kRamp.data());
  CHECK(read_whole_file(folder / "a.npy") == read_whole_file(golden("f4.npy")));
  write_npy(folder / "b.npy", {6}, kRamp.data());
  CHECK(read_npy(folder / "b.npy").shape == std::vector<Index>{6});
  write_npy(folder / "c.npy", {}, kRamp.data());
  CHECK(read_npy(folder / "c.npy").values == std::vector<float>{-1.5});
  write_npy(folder / "d.npy", {0, 3}, kRamp.data());
  CHECK(read_npy(folder / "d.npy").shape == std::vector<Index>{0, 3});
}

TEST_CASE("anything that is not a readable .npy file is a file error that says why") {
  const testing::Folder folder("npy-broken");
  CHECK(npy_error(folder / "no.npy") == ": no such file");
  CHECK(npy_error(folder.write("a", "hello")) == ": is not a .npy file");
  CHECK(npy_error(golden("records.npy")) == ": holds records, expected plain numbers");
  CHECK(npy_error(golden("complex.npy")) ==
        ": holds elements of type '<c8', expected floats (f2, f4, f8) or integers");
  const std::string bytes = read_whole_file(golden("f4.npy"));
  CHECK(npy_error(folder.write("b", bytes.substr(0, bytes.size() - 1))) ==
        ": is truncated: 23 bytes of numbers, its header promises 6 of 4");
  CHECK(npy_error(folder.write("c", bytes + "xy")) == ": has 2 bytes after its numbers");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(npy_error(folder.write("cut", bytes.substr(0, size))) != "no error");
  }
  CHECK(npy_error(folder.write("d", npy("{'descr': '<f4'}"))) == ": has a damaged .npy header");
  CHECK(npy_error(folder.write(
            "d", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (8,), } '<f4'"))) ==
        ": has a damaged .npy header");
  CHECK(npy_error(
            folder.write("e", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, "
                                  "4000000000, 4), }"))) ==
        ": is truncated: 0 bytes of numbers, its header promises more");
  CHECK(npy_error(folder.write("f", std::string("\x93NUMPY\x09\0\0\0", 10))) ==
        ": has .npy version 9, expected 1, 2 or 3");
}

TEST_CASE("numpy's archives are read, stored and deflated") {
  for (const char* file : {"stored.npz", "deflated.npz"}) {
    CAPTURE(file);
    const auto arrays = read_npz(golden(file));
    REQUIRE(arrays.size() == 2);
    CHECK(arrays.at("conv1.weight").shape == std::vector<Index>{2, 1, 2, 2});
    CHECK(arrays.at("conv1.weight").values == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7});
    CHECK(arrays.at("fc1.bias").values == std::vector<float>{0.5, -0.25});
  }
}

TEST_CASE("a truncated or damaged archive is a file error") {
  const testing::Folder folder("npz-broken");
  CHECK(npz_error(folder.write("a", "hello")) == ": is truncated or no zip archive");
  for (const char* file : {"stored.npz", "deflated.npz"}) {
    CAPTURE(file);
    const std::string bytes = read_whole_file(golden(file));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      CHECK(npz_error(folder.write("cut", bytes.substr(0, size))) ==
            ": is truncated or no zip archive");
    }
    // A wrong byte anywhere is reported or harmless, never a crash or other numbers.
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      CAPTURE(at);
      std::string wrong = bytes;
      wrong[at] = static_cast<char>(wrong[at] ^ 0x5a);
      folder.write("wrong", wrong);
      try {
        for (const auto& [name, array] : read_npz(folder / "wrong"))
          CHECK((array.values.size() == 8 ? array.values[7] == 7 : array.values[0] == 0.5));
      } catch (const FileError&) {
      }
    }
  }
  std::string bytes = read_whole_file(golden("stored.npz"));
  bytes[bytes.find("\x93NUMPY") + 130] ^= 1;
  CHECK(npz_error(folder.write("b", bytes)) == ": 'conv1.weight.npy' is damaged (CRC error)");
  const std::string whole = read_whole_file(golden("stored.npz"));
  const std::size_t entry = whole.find("PK\1\2");
  bytes = whole;
  bytes[entry + 8] |= 1;
  CHECK(npz_error(folder.write("c", bytes)) ==
        ": 'conv1.weight.npy' cannot be read (No password provided)");
  bytes = whole;
  bytes[entry + 10] = 14;
  CHECK(npz_error(folder.write("d", bytes)) ==
        ": 'conv1.weight.npy' is packed by method 14, expected stored or deflated");
}

TEST_CASE("CSV is read whatever stands between the numbers") {
  const testing::Folder folder("csv");
  const auto read = [&](const std::string& text) { return read_csv(folder.write("a.csv", text)); };
  const std::vector<double> expected{1, -2.5, 3e-3, 4, 5, 6};
  for (const char* text :
       {"1,-2.5,3e-3\n4,5,6\n", "1, -2.5 ,0.003\r\n+4,5,6", "1;-2.5;.003\n\n4; 5; 6\n",
        "1\t-2.5\t3e-3\n4\t5\t6\n", "  1 -2.5   3e-3\n4 5 6 \n",
        "\xef\xbb\xbf"
        "a,b,c\n1,-2.5,3e-3\n# nothing; or not\n#\n4,5,6\n",
        "\"x 1\";\"x 2\";\"x 3\"\n1;-2.5;3e-3\n4;5;6\n"}) {
    CAPTURE(text);
    const Matrix<double> m = read(text);
    CHECK(m.rows() == 2);
    CHECK(m.columns() == 3);
    CHECK(values_of(m) == expected);
  }
  CHECK(read("1e-400")(0, 0) == 0);
}

TEST_CASE("anything that is not CSV of numbers is a file error at its line and column") {
  const testing::Folder folder("csv-broken");
  const auto message = [&](const std::string& text) {
    return csv_error(folder.write("w.csv", text));
  };
  CHECK(message("1,2\n3,4\n5, abc\n") == ":3:4: 'abc' is not a number");
  CHECK(message("1,2\n3\n") == ":2:1: a row of 1, expected 2 as in line 1");
  CHECK(message("1,,2\n") == ":1:3: an empty field, expected a number");
  CHECK(message("1,2\n3,\n") == ":2:3: an empty field, expected a number");
  CHECK(message("1;2,5.5\n") ==
        ":1:3: '2,5.5' has a thousands separator; write the number without");
  CHECK(message("1,1e999\n") == ":1:3: '1e999' is too large for a number");
  CHECK(message("a,b\nc,d\n") == ":2:1: 'c' is not a number");
  CHECK(message("a,b\n") == ": holds no numbers");
  CHECK(message("") == ": is empty: holds no numbers");
  CHECK(message(std::string("1\0", 2)) == ": is a binary file, expected CSV");
}

TEST_CASE("CSV that is written reads back to the same floats") {
  const testing::Folder folder("csv-write");
  Matrix<float> m(2, 2);
  m(0, 0) = 0.1f;
  m(0, 1) = 1.0f / 3.0f;
  m(1, 0) = -1e-30f;
  m(1, 1) = 16777216.0f;
  write_csv(folder / "a.csv", m);
  CHECK(read_whole_file(folder / "a.csv") == "0.1,0.33333334\n-1e-30,16777216\n");
  CHECK(Matrix<float>(ConstView<double>(read_csv(folder / "a.csv"))) == m);
}

TEST_CASE("a matrix is read by its file's ending") {
  const testing::Folder folder("matrix");
  Matrix<float> expected(2, 3);
  std::copy(kRamp.begin(), kRamp.end(), expected.data());
  const auto csv = folder.write("a.csv", "-1.5,-0.5,0.5\n1.5,2.5,3.5\n").string();
  CHECK(read_matrix(csv, "--weights") == expected);
  CHECK(read_matrix(golden("f4.npy").string(), "--weights") == expected);
  CHECK(read_matrix(golden("h5py.h5").string() + ":/plain/floats", "--weights") == expected);
  const Matrix<float> row = read_matrix(golden("u1.npy").string(), "--inputs");
  CHECK(row.rows() == 1);
  CHECK(row.columns() == 3);
}

TEST_CASE("a matrix that cannot be read names the option and the file") {
  const testing::Folder folder("matrix-broken");
  const auto file_error = [](const std::string& source) {
    return message_of<FileError>([&] { read_matrix(source, "--weights"); });
  };
  CHECK(file_error("w.txt") == "--weights: w.txt: expected FILE.csv, FILE.npy or FILE.h5:/PATH");
  CHECK(file_error("w.h5") ==
        "--weights: w.h5: expected a data set behind the file, as in w.h5:/weight");
  CHECK(file_error("w.h5:/x") == "--weights: w.h5: no such file");
  CHECK(file_error("w.csv") == "--weights: w.csv: no such file");
  const auto csv = folder.write("a.csv", "1,2\n3,nan\n").string();
  CHECK(file_error(csv) == "--weights: " + csv + ":2:3: 'nan' is not a finite number");
  const auto large = folder.write("b.csv", "1e300\n").string();
  CHECK(file_error(large) ==
        "--weights: " + large + ":1:1: 1e300 is beyond single precision (3.4e38)");
  const auto cube = golden("i2_big_endian_3d.npy").string();
  CHECK(message_of<ShapeError>([&] { read_matrix(cube, "--weights"); }) ==
        "--weights: " + cube + ": has 3 dimensions, expected a matrix");
  write_npy(folder / "empty.npy", {0, 3}, nullptr);
  const auto empty = (folder / "empty.npy").string();
  CHECK(file_error(empty) == "--weights: " + empty + ": holds no numbers");
}
