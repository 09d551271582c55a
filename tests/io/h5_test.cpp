#include "io/h5.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <thread>

#include "base/error.h"
#include "folder.h"
#include "full_disk.h"
#include "io/half.h"
#include "messages.h"

using namespace ohmic;
using testing::message_of;

namespace {

void write_example(const std::filesystem::path& file) {
  h5::Writer out(file);
  const std::vector<double> values{1.5, -2, 3, 4, 5, 6};
  out.write("/z/first", {2, 3}, values.data());
  out.write("/z/a", std::vector<std::int64_t>{1, -9223372036854775807});
  out.write("/words", std::vector<std::string>{"conv1", "", "zwölf"});
  out.write("/a", Matrix<float>(2, 3, 0.1f).view().block(0, 1, 2, 2));
  const std::uint8_t bytes[] = {0, 255};
  out.write("/bytes", {2}, bytes);
  out.write("/empty", std::vector<double>{});
  out.write("/axis", std::vector<double>{0.1, 0.3, 0.5});
  out.describe("/axis", "", "sigma");
  out.attach_scale("/z/first", 1, "/axis", "device.sigma");
  out.attribute("/", "schema_version", 1);
  out.attribute("/", "config", std::string(100000, 'c'));
  out.attribute("/z", "share", 0.25);
  out.attribute("/z", "share", 0.5);  // replaces
  out.commit();
}

std::string error(const std::filesystem::path& file, void (*read)(const h5::Reader&)) {
  const std::string message = message_of<FileError>([&] { read(h5::Reader(file)); });
  const std::string name = file.string() + ": ";
  return message.starts_with(name) ? message.substr(name.size()) : "not named: " + message;
}

const std::filesystem::path kH5py = std::filesystem::path(OHMIC_GOLDEN) / "arrays/h5py.h5";

}  // namespace

TEST_CASE("an HDF5 file gives back what was written, in the order of writing") {
  const testing::Folder folder("h5");
  write_example(folder / "a.h5");
  CHECK(folder.count() == 1);
  const h5::Reader in(folder / "a.h5");
  const h5::Array<double> first = in.doubles("/z/first");
  CHECK(first.shape == std::vector<Index>{2, 3});
  CHECK(first.values == std::vector<double>{1.5, -2, 3, 4, 5, 6});
  CHECK(in.floats("z/first").values[0] == 1.5f);
  CHECK(in.integers("/z/a").values == std::vector<std::int64_t>{1, -9223372036854775807});
  CHECK(in.strings("/words") == std::vector<std::string>{"conv1", "", "zwölf"});
  CHECK(in.floats("/a").values == std::vector<float>(4, 0.1f));
  CHECK(in.integers("/bytes").values == std::vector<std::int64_t>{0, 255});
  CHECK(in.doubles("/empty").shape == std::vector<Index>{0});
  CHECK(in.children("/") == std::vector<std::string>{"z", "words", "a", "bytes", "empty", "axis"});
  CHECK(in.children("/z") == std::vector<std::string>{"first", "a"});
  CHECK(in.has("/z/first"));
  CHECK(in.has("/"));
  CHECK(!in.has("/z/nothing/below"));
  CHECK(!in.has("/words/below"));
  CHECK(in.integer_attribute("/", "schema_version") == 1);
  CHECK(in.string_attribute("/", "config").size() == 100000);
  CHECK(in.double_attribute("/z", "share") == 0.5);
  CHECK(in.string_attribute("/axis", "units") == "");
  CHECK(in.string_attribute("/axis", "CLASS") == "DIMENSION_SCALE");
  CHECK(in.has_attribute("/z/first", "DIMENSION_LIST"));
  CHECK(!in.has_attribute("/z", "nothing"));
  CHECK(!in.has_attribute("/nothing", "nothing"));
}

TEST_CASE("half precision is rounded to the nearest, ties to even") {
  const testing::Folder folder("half");
  // Ten bits of significand: steps of 2 from 2048 on, of 2^-24 below 2^-14.
  const std::vector<float> values{1,        -2.5f, 65504,      2049,    2051,
                                  2049.01f, 0.1f,  0x1.8p-24f, 0x1p-26f};
  const std::vector<float> rounded{1, -2.5f, 65504, 2048, 2052, 2050, 1638.0f / 16384, 0x1p-23f, 0};
  {
    h5::Writer out(folder / "h.h5");
    out.write_half("/x", {9}, values.data());
    out.commit();
  }
  CHECK(h5::Reader(folder / "h.h5").floats("/x").values == rounded);
  CHECK(to_half(65520) == 0x7c00);  // half a step beyond the largest
  CHECK(to_half(-0.0f) == 0x8000);
}

TEST_CASE("equal contents give equal bytes") {
  const testing::Folder folder("h5-bytes");
  write_example(folder / "a.h5");
  // Another time of day, and memory that holds other rubbish.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  for (std::size_t size = 16; size < (1u << 22); size *= 2) std::vector<char> rubbish(size, 'r');
  write_example(folder / "b.h5");
  CHECK(read_whole_file(folder / "a.h5") == read_whole_file(folder / "b.h5"));
}

TEST_CASE("files of h5py are read: half floats, big-endian, fixed strings, compressed chunks") {
  const h5::Reader in(kH5py);
  CHECK(in.doubles("/plain/floats").values == std::vector<double>{-1.5, -0.5, 0.5, 1.5, 2.5, 3.5});
  CHECK(in.floats("/plain/half").values == std::vector<float>{-1.5, -0.5, 0.5, 1.5, 2.5, 3.5});
  CHECK(in.integers("/plain/big").values == std::vector<std::int64_t>{1, 2});
  CHECK(in.strings("/words/variable") == std::vector<std::string>{"a", "zwölf"});
  CHECK(in.strings("/words/fixed") == std::vector<std::string>{"ab", "c"});
  CHECK(in.integers("/packed").values[999] == 999);
  CHECK(in.doubles("/nothing").values.empty());
  CHECK(in.children("/plain") == std::vector<std::string>{"big", "floats", "half", "unsigned"});
  CHECK(in.string_attribute("/", "name") == "net");
  CHECK(in.string_attribute("/", "fixed") == "tight");
  CHECK(in.integer_attribute("/", "count") == 3);
  CHECK(in.double_attribute("/", "share") == 0.5);
}

TEST_CASE("what an HDF5 file lacks is a file error that names file and path") {
  const auto message = [](void (*read)(const h5::Reader&)) { return error(kH5py, read); };
  CHECK(message([](const h5::Reader& in) { in.doubles("/x"); }) == "no data set '/x'");
  CHECK(message([](const h5::Reader& in) { in.doubles("/plain/floats/x"); }) ==
        "no data set '/plain/floats/x'");
  CHECK(message([](const h5::Reader& in) { in.doubles("/plain"); }) ==
        "'/plain' is a group, expected a data set");
  CHECK(message([](const h5::Reader& in) { in.children("/x"); }) == "no group '/x'");
  CHECK(message([](const h5::Reader& in) { in.children("/packed"); }) ==
        "'/packed' is a data set, expected a group");
  CHECK(message([](const h5::Reader& in) { in.floats("/words/fixed"); }) ==
        "'/words/fixed' holds strings, expected numbers");
  CHECK(message([](const h5::Reader& in) { in.integers("/plain/floats"); }) ==
        "'/plain/floats' holds floats, expected integers");
  CHECK(message([](const h5::Reader& in) { in.integers("/plain/unsigned"); }) ==
        "'/plain/unsigned' holds 9223372036854775808, beyond 2^63 - 1");
  CHECK(message([](const h5::Reader& in) { in.strings("/packed"); }) ==
        "'/packed' holds integers, expected strings");
  CHECK(message([](const h5::Reader& in) { in.string_attribute("/", "x"); }) ==
        "no attribute 'x' of '/'");
  CHECK(message([](const h5::Reader& in) { in.string_attribute("/", "count"); }) ==
        "attribute 'count' of '/' is not a string");
  CHECK(message([](const h5::Reader& in) { in.integer_attribute("/", "share"); }) ==
        "attribute 'share' of '/' is not an integer");
  CHECK(message([](const h5::Reader& in) { in.double_attribute("/", "list"); }) ==
        "attribute 'list' of '/' is not a number");
}

TEST_CASE("anything that is not an HDF5 file, or a truncated one, is a file error") {
  const testing::Folder folder("h5-broken");
  const auto open = [](const std::filesystem::path& file) {
    return error(file, [](const h5::Reader&) {});
  };
  CHECK(open(folder / "no.h5") == "no such file");
  CHECK(open(folder.path()) == "is a folder, expected a file");
  CHECK(open(folder.write("text.h5", "hello")) == "is not an HDF5 file");
  CHECK(open(folder.write("empty.h5", "")) == "is not an HDF5 file");
  write_example(folder / "a.h5");
  const std::string bytes = read_whole_file(folder / "a.h5");
  for (std::size_t size :
       {bytes.size() - 1, bytes.size() / 2, bytes.size() / 10, std::size_t{20}}) {
    CAPTURE(size);
    CHECK(open(folder.write("cut.h5", bytes.substr(0, size))) == "is truncated or damaged");
  }
}

TEST_CASE("an HDF5 file that another program still writes is told apart from a broken one") {
  const testing::Folder folder("h5-lock");
  write_example(folder / "a.h5");
  const std::string bytes = read_whole_file(folder / "a.h5");
  const auto half = folder.write("half.h5", bytes.substr(0, bytes.size() / 2));
  const auto open_file = [&] { return error(half, [](const h5::Reader&) {}); };
  // HDF5's lock of a writer; locks of one process through two descriptors are apart as well.
  const int writer = open(half.c_str(), O_RDWR);
  REQUIRE(flock(writer, LOCK_EX | LOCK_NB) == 0);
  CHECK(open_file() == "is open for writing in another program (a notebook?); close it there");
  close(writer);
  CHECK(open_file() == "is truncated or damaged");
}

TEST_CASE("scales of a data set are named dimension by dimension") {
  const testing::Folder folder("h5-scales");
  h5::Writer out(folder / "s.h5");
  const std::vector<double> values(6);
  out.write("/v", {2, 3}, values.data());
  out.write("/b", std::vector<double>{1, 2, 3});
  out.write("/g/c", std::vector<std::string>{"x", "y", "z"});
  out.attach_scale("/v", 1, "/b", "b");
  out.attach_scale("/v", 1, "/g/c", "c");
  out.commit();
  const h5::Reader in(folder / "s.h5");
  CHECK(in.scales("/v") == std::vector<std::vector<std::string>>{{}, {"/b", "/g/c"}});
  CHECK(in.scales("/b") == std::vector<std::vector<std::string>>{{}});
  CHECK(in.holds_strings("/g/c"));
  CHECK_FALSE(in.holds_strings("/b"));
}

TEST_CASE("an HDF5 file that is not committed leaves nothing") {
  const testing::Folder folder("h5-uncommitted");
  {
    h5::Writer out(folder / "a.h5");
    out.write("/x", std::vector<double>{1});
  }
  CHECK(folder.count() == 0);
}

TEST_CASE("an unwritable place for an HDF5 file is reported before anything is computed") {
  const testing::Folder folder("h5-unwritable");
  folder.write("plain", "x");
  CHECK(message_of<FileError>([&] { h5::Writer out(folder / "plain/a.h5"); }) ==
        (folder / "plain/a.h5").string() + ": cannot be written (Not a directory)");
}

TEST_CASE("a full disk under an HDF5 file is a file error that leaves nothing") {
  const testing::Folder folder("h5-full");
  const std::vector<double> values(100000, 1.0);
  std::string message;
  {
    const testing::FullDisk limit(1 << 16);
    message = message_of<FileError>([&] {
      h5::Writer out(folder / "a.h5");
      out.write("/x", values);
      out.commit();
    });
  }
  CHECK(message == (folder / "a.h5").string() + ": cannot be written (File too large)");
  CHECK(folder.count() == 0);
  write_example(folder / "a.h5");  // and the library still works
  CHECK(folder.count() == 1);
}

TEST_CASE("a data set that is written twice is a defect of ours") {
  const testing::Folder folder("h5-twice");
  h5::Writer out(folder / "a.h5");
  out.write("/x/y", std::vector<double>{1});
  CHECK(message_of<LogicError>([&] { out.write("/x/y", std::vector<double>{1}); }) ==
        (folder / "a.h5").string() + ": '/x/y' is written twice");
}

TEST_CASE("HDF5 files may be written and read from several threads") {
  const testing::Folder folder("h5-threads");
  std::vector<std::thread> threads;
  std::vector<int> right(4, 0);
  for (std::size_t i = 0; i < right.size(); ++i)
    threads.emplace_back([&, i] {
      const auto file = folder / (std::to_string(i) + ".h5");
      for (int turn = 0; turn < 10; ++turn) {
        write_example(file);
        right[i] += h5::Reader(file).doubles("/z/first").values[1] == -2;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == std::vector<int>(4, 10));
}
