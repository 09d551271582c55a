#include "nn/array_set.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/host.h"
#include "folder.h"
#include "io/remark.h"
#include "messages.h"
#include "nn/fill_lanes.h"
#include "npy_bytes.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::first_line_of;
using ohmic::testing::Folder;
using ohmic::testing::npy_bytes;

constexpr Index kTrain = 40, kTest = 20;

/// Pixel p of image i is (10 i + p) % 251, its label i % 10.
template <class T>
std::vector<T> pixels(Index images, Index features) {
  std::vector<T> values;
  for (Index i = 0; i < images; ++i)
    for (Index p = 0; p < features; ++p) values.push_back(static_cast<T>((10 * i + p) % 251));
  return values;
}
template <class T>
std::vector<T> labels(Index images, Index classes = 10) {
  std::vector<T> values;
  for (Index i = 0; i < images; ++i) values.push_back(static_cast<T>(i % classes));
  return values;
}

/// A folder of .npy files.
template <class Pixel, class Name>
void write_set(const Folder& folder, const std::vector<Index>& shape, Index classes = 10) {
  for (const bool is_test : {false, true}) {
    std::vector<Index> whole{is_test ? kTest : kTrain};
    whole.insert(whole.end(), shape.begin(), shape.end());
    Index features = 1;
    for (const Index size : shape) features *= size;
    const std::string which = is_test ? "test" : "train";
    folder.write(which + "_images.npy", npy_bytes(whole, pixels<Pixel>(whole[0], features)));
    folder.write(which + "_labels.npy", npy_bytes({whole[0]}, labels<Name>(whole[0], classes)));
  }
}

/// The same as an HDF5 file, one group for each part.
void write_hdf5(const std::filesystem::path& file, const std::vector<Index>& shape) {
  h5::Writer out(file);
  for (const bool is_test : {false, true}) {
    std::vector<Index> whole{is_test ? kTest : kTrain};
    whole.insert(whole.end(), shape.begin(), shape.end());
    const std::string group = is_test ? "/test" : "/train";
    out.write(group + "/images", whole, pixels<std::uint8_t>(whole[0], 6).data());
    out.write(group + "/labels", labels<std::int64_t>(whole[0]));
  }
  out.commit();
}

Data loaded(const std::filesystem::path& set, const std::string& normalise = "standard") {
  DataParams params;
  params.set = set.string();
  params.validation = 10;
  params.normalise = normalise;
  return load_data(params, ".");
}

std::string idx(std::vector<std::uint8_t> header, const std::vector<std::uint8_t>& bytes) {
  std::string out(header.begin(), header.end());
  return out + std::string(bytes.begin(), bytes.end());
}

TEST_CASE("a set of bytes is the same as .npy files, in HDF5 and in IDX, by its digest") {
  const Folder npy("npy"), other("npy-channels"), hdf5("hdf5"), plain("idx");
  write_set<std::uint8_t, std::int64_t>(npy, {2, 3});
  write_set<std::uint8_t, std::uint8_t>(other, {1, 2, 3});
  write_hdf5(hdf5 / "set.h5", {2, 3});
  for (const bool is_test : {false, true}) {
    const std::uint8_t n = is_test ? kTest : kTrain;
    const std::string which = is_test ? "t10k" : "train";
    plain.write(which + "-images-idx3-ubyte",
                idx({0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 2, 0, 0, 0, 3}, pixels<std::uint8_t>(n, 6)));
    plain.write(which + "-labels-idx1-ubyte",
                idx({0, 0, 8, 1, 0, 0, 0, n}, labels<std::uint8_t>(n)));
  }
  const Data expected = loaded(plain.path());
  for (const std::filesystem::path& set : {npy.path(), other.path(), hdf5 / "set.h5"}) {
    CAPTURE(set.string());
    const Data data = loaded(set);
    CHECK(text(data.shape()) == "1 x 2 x 3");
    CHECK(data.classes() == 10);
    CHECK(data.train.size() == 30);
    CHECK(data.test.set->pixels == expected.test.set->pixels);
    CHECK(data.test.set->labels == expected.test.set->labels);
    CHECK(data.digest == expected.digest);
    CHECK(data.training_digest == expected.training_digest);
  }
}

TEST_CASE("floats are normalised by channel in double, or left as they are") {
  const Folder folder("floats");
  write_set<double, std::int32_t>(folder, {2, 2, 3});
  const Data data = loaded(folder.path());
  CHECK(text(data.shape()) == "2 x 2 x 3");
  CHECK(data.train.set->has_floats);
  CHECK(data.train.set->bytes() == 40 * 12 * 4);
  Matrix<double> x(12, kLanes, 5.0);
  std::vector<Index> all(30);
  for (Index i = 0; i < 30; ++i) all[static_cast<std::size_t>(i)] = i;
  std::vector<Label> names(30);
  fill_lanes<double>(data.train, data.normalisation, all, x, names);
  for (Index channel = 0; channel < 2; ++channel) {
    double sum = 0, square = 0;
    const Dataset& set = *data.train.set;
    for (Index i = 0; i < kTrain; ++i)
      for (Index p = 0; p < 6; ++p) {
        const double value = static_cast<double>(set.float_image(i)[6 * channel + p]);
        sum += value / (6 * kTrain);
        square += value * value / (6 * kTrain);
      }
    const double deviation = std::sqrt(square - sum * sum);
    for (const Index lane : {0, 17, 29})
      for (Index p = 0; p < 6; ++p) {
        const Index place = data.train.place(lane);
        CHECK(names[static_cast<std::size_t>(lane)] == static_cast<Label>(place % 10));
        CHECK(x(6 * channel + p, lane) ==
              doctest::Approx((static_cast<double>((10 * place + 6 * channel + p) % 251) - sum) /
                              deviation));
      }
  }
  CHECK(x(3, 30) == 0);
  const Data unit = loaded(folder.path(), "unit");
  fill_lanes<double>(unit.train, unit.normalisation, all, x, names);
  CHECK(x(7, 3) == static_cast<double>((10 * unit.train.place(3) + 7) % 251));
  CHECK(unit.digest != data.digest);
}

TEST_CASE("a set may have more classes than a byte counts") {
  const Folder folder("classes");
  folder.write("train_images.npy", npy_bytes<float>({600, 1, 2}, pixels<float>(600, 2)));
  folder.write("train_labels.npy",
               npy_bytes<std::uint16_t>({600}, labels<std::uint16_t>(600, 300)));
  folder.write("test_images.npy", npy_bytes<float>({300, 1, 2}, pixels<float>(300, 2)));
  folder.write("test_labels.npy", npy_bytes<std::int32_t>({300}, labels<std::int32_t>(300, 300)));
  const Data data = loaded(folder.path());
  CHECK(data.classes() == 300);
  CHECK(data.test.label(299) == 299);
  // Labels that differ beyond a byte make another set.
  std::vector<std::int32_t> changed = labels<std::int32_t>(300, 300);
  changed[299] = 299 - 256;
  folder.write("test_labels.npy", npy_bytes<std::int32_t>({300}, changed));
  CHECK(loaded(folder.path()).digest != data.digest);
  CHECK(loaded(folder.path()).training_digest == data.training_digest);
}

TEST_CASE("an outline of arrays has their sizes, classes and split, and reads no image") {
  const Folder folder("outline");
  write_set<float, std::int64_t>(folder, {3, 2, 3});
  write_hdf5(folder / "set.h5", {2, 3});
  for (const std::filesystem::path& set : {folder.path(), folder / "set.h5"}) {
    DataParams params;
    params.set = set.string();
    params.train_images = 7;
    const Data data = load_data(params, "."), outline = outline_data(params, ".");
    CHECK(outline.shape() == data.shape());
    CHECK(outline.classes() == 10);
    CHECK(outline.train.index == data.train.index);
    CHECK(outline.test.size() == kTest);
    CHECK(outline.files == data.files);
    CHECK(outline.train.set->bytes() == data.train.set->bytes());
    CHECK(outline.train.set->pixels.empty());
    CHECK(outline.train.set->float_pixels.empty());
    CHECK(outline.digest.empty());
  }
}

/// The message of reading the set, and the same of its outline where that sees it; without the
/// folder's name.
std::string refused(const Folder& folder, bool also_of_outline) {
  const auto message = [&](auto read) {
    const std::string line = first_line_of<FileError>(read);
    const std::string place = folder.path().string() + "/";
    return line.starts_with(place) ? line.substr(place.size()) : "not named: " + line;
  };
  DataParams params;
  params.set = folder.path().string();
  const std::string said = message([&] { load_data(params, "."); });
  if (also_of_outline) CHECK(message([&] { outline_data(params, "."); }) == said);
  return said;
}

TEST_CASE("arrays that are no images with labels are refused in one line") {
  const Folder folder("refused");
  const auto with = [&](const std::string& file, const std::string& bytes,
                        bool also_of_outline = true) {
    write_set<float, std::int64_t>(folder, {2, 3});
    folder.write(file, bytes);
    return refused(folder, also_of_outline);
  };
  const std::vector<float> good = pixels<float>(kTrain, 6);
  const auto names = labels<std::int64_t>(kTrain);
  CHECK(with("train_images.npy", npy_bytes<float>({40, 6}, good)) ==
        "train_images.npy: has 2 dimensions, expected images x height x width or images x channels "
        "x height x width");
  CHECK(with("train_images.npy", npy_bytes<float>({0, 2, 3}, {})) ==
        "train_images.npy: holds no images (0 x 2 x 3)");
  CHECK(
      with("train_images.npy", npy_bytes<std::int64_t>({40, 2, 3}, pixels<std::int64_t>(40, 6))) ==
      "train_images.npy: holds integers of more than 8 bits or with a sign, expected bytes "
      "(uint8) or floats");
  CHECK(with("train_images.npy", npy_bytes<float>({40, 2, 3}, good).substr(0, 1000)) ==
        "train_images.npy: is truncated: 925 bytes of numbers, its header promises 240 of 4");
  CHECK(with("test_images.npy", npy_bytes<float>({20, 3, 2}, pixels<float>(20, 6)))
            .find("test images are 1 x 3 x 2, training images 1 x 2 x 3") != std::string::npos);
  std::vector<float> broken = good;
  broken[6 * 11 + 4] = std::numeric_limits<float>::quiet_NaN();
  CHECK(with("train_images.npy", npy_bytes<float>({40, 2, 3}, broken), false) ==
        "train_images.npy: image 11, channel 0, row 1, column 1 is nan, expected a finite number");
  broken[5] = std::numeric_limits<float>::infinity();
  CHECK(with("train_images.npy", npy_bytes<float>({40, 2, 3}, broken), false) ==
        "train_images.npy: image 0, channel 0, row 1, column 2 is inf, expected a finite number");

  CHECK(with("train_labels.npy", npy_bytes<float>({40}, std::vector<float>(40))) ==
        "train_labels.npy: holds floats, expected integers");
  CHECK(with("train_labels.npy", npy_bytes<std::int64_t>({40, 1}, names)) ==
        "train_labels.npy: has 2 dimensions, expected one label per image");
  CHECK(with("train_labels.npy", npy_bytes<std::int64_t>({39}, labels<std::int64_t>(39))) ==
        "train_labels.npy: holds 39 labels for the 40 images of train_images.npy");
  CHECK(with("test_labels.npy", npy_bytes<std::int64_t>({19}, labels<std::int64_t>(19))) ==
        "test_labels.npy: holds 19 labels for the 20 images of test_images.npy");
  std::vector<std::int64_t> wrong = names;
  wrong[7] = -1;
  CHECK(with("train_labels.npy", npy_bytes<std::int64_t>({40}, wrong)) ==
        "train_labels.npy: label -1 of image 7 is not in 0 .. 9");
  wrong[7] = std::numeric_limits<std::int64_t>::max();
  CHECK(with("train_labels.npy", npy_bytes<std::int64_t>({40}, wrong)) ==
        "train_labels.npy: label 9223372036854775807 of image 7 is not in 0 .. 999999");
  std::vector<std::int64_t> test = labels<std::int64_t>(kTest);
  test[3] = 10;
  CHECK(with("test_labels.npy", npy_bytes<std::int64_t>({20}, test), false) ==
        "test_labels.npy: label 10 of image 3 is not in 0 .. 9");
  write_set<float, std::int64_t>(folder, {2, 3});
  std::filesystem::remove(folder / "test_labels.npy");
  CHECK(refused(folder, true) == "test_labels.npy: no such file");

  const Folder hdf5("refused-h5");
  const auto file = hdf5 / "set.h5";
  h5::Writer out(file);
  out.write("/train/images", {1, 1, 1}, good.data());
  out.write("/train/labels", std::vector<std::int64_t>{0, 1});
  out.commit();
  DataParams params;
  params.set = file.string();
  CHECK(first_line_of<FileError>([&] { outline_data(params, "."); }) ==
        file.string() + ":/train/labels: holds 2 labels for the 1 images of /train/images");
}

TEST_CASE("channels that come last are remarked upon") {
  const Folder folder("last");
  write_set<std::uint8_t, std::int64_t>(folder, {8, 8, 3});
  std::string heard;
  const RemarkListener listener([&](const std::string& line) { heard += line + "\n"; });
  const Data data = loaded(folder.path());
  CHECK(text(data.shape()) == "8 x 8 x 3");
  CHECK(heard.starts_with((folder / "train_images.npy").string() +
                          ": 40 x 8 x 8 x 3 is read as 8 channels of 8 x 3 pixels; where channels "
                          "come last, numpy's transpose(0, 3, 1, 2) brings them forward\n"));
}

TEST_CASE("images beyond the machine's memory are refused before they are read") {
  const Folder folder("memory");
  write_set<std::uint8_t, std::int64_t>(folder, {2, 3});
  // A petabyte that the file only claims ...
  folder.write("train_images.npy",
               ohmic::testing::npy_header("|u1", {40, Index{1} << 25, Index{1} << 20}));
  CHECK(refused(folder, true) ==
        "train_images.npy: is truncated: 0 bytes of numbers, its header promises "
        "1407374883553280 of 1");
  // ... and three times the memory in files that are one hole.
  constexpr double kGibibyte = 1 << 30;
  const auto rows = static_cast<Index>(2 * machine_memory() / kTrain / 1024);
  for (const bool is_test : {false, true}) {
    const Index images = is_test ? kTest : kTrain;
    const std::string header = ohmic::testing::npy_header("|u1", {images, rows, 1024});
    const auto file = folder.write(is_test ? "test_images.npy" : "train_images.npy", header);
    std::filesystem::resize_file(file,
                                 header.size() + static_cast<std::uintmax_t>(images * rows * 1024));
  }
  DataParams params;
  params.set = folder.path().string();
  CHECK(outline_data(params, ".").test.size() == kTest);
  CHECK(
      first_line_of<ConfigError>([&] { load_data(params, "."); }) ==
      fmt::format("data.set = '{}': its 60 images of 1 x {} x 1024 take {:.1f} GiB of memory, and "
                  "the machine has {:.1f}",
                  params.set, rows, 60.0 * static_cast<double>(rows) * 1024 / kGibibyte,
                  machine_memory() / kGibibyte));
}

}  // namespace
}  // namespace ohmic::nn
