#include "nn/dataset.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "folder.h"
#include "messages.h"
#include "nn/dataset_files.h"
#include "nn/fill_lanes.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::first_line_of;
using ohmic::testing::Folder;

std::string big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

/// `count` images of 2 x 3 pixels: pixel p of image i is (10 i + p) % 251.
std::string idx_images(std::uint32_t count) {
  std::string bytes = big_endian(0x803) + big_endian(count) + big_endian(2) + big_endian(3);
  for (std::uint32_t i = 0; i < count; ++i)
    for (std::uint32_t p = 0; p < 6; ++p) bytes += static_cast<char>((10 * i + p) % 251);
  return bytes;
}
std::string idx_labels(std::uint32_t count) {
  std::string bytes = big_endian(0x801) + big_endian(count);
  for (std::uint32_t i = 0; i < count; ++i) bytes += static_cast<char>(i % 10);
  return bytes;
}
std::string cifar_record(int label_bytes, char label) {
  return std::string(static_cast<std::size_t>(label_bytes - 1), '\xff') + label +
         std::string(3072, '\x07');
}

void write_gz(const std::filesystem::path& file, const std::string& bytes) {
  gzFile out = gzopen(file.c_str(), "wb");
  gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(out);
}

/// A folder with a whole IDX set in it, its test files gzipped.
void write_idx_set(const Folder& folder, std::uint32_t train = 40, std::uint32_t test = 20) {
  folder.write("train-images-idx3-ubyte", idx_images(train));
  folder.write("train-labels-idx1-ubyte", idx_labels(train));
  write_gz(folder / "t10k-images-idx3-ubyte.gz", idx_images(test));
  write_gz(folder / "t10k-labels-idx1-ubyte.gz", idx_labels(test));
}

TEST_CASE("an IDX set is read, plain or gzipped, and split by its seed") {
  const Folder folder("idx");
  write_idx_set(folder);
  DataParams params;
  params.set = folder.path().string();
  params.validation = 10;
  const Data data = load_data(params, ".");
  CHECK(data.train.size() == 30);
  CHECK(data.validation.size() == 10);
  CHECK(data.test.size() == 20);
  CHECK(text(data.shape()) == "1 x 2 x 3");
  CHECK(data.classes() == 10);
  CHECK(data.test.label(13) == 3);
  std::set<Index> all(data.train.index.begin(), data.train.index.end());
  all.insert(data.validation.index.begin(), data.validation.index.end());
  CHECK(all.size() == 40);

  params.split_seed = 2;
  const Data other = load_data(params, ".");
  CHECK(other.validation.index != data.validation.index);
  CHECK(other.digest != data.digest);
  CHECK(other.normalisation.mean == data.normalisation.mean);
  params.split_seed = 1;
  CHECK(load_data(params, ".").digest == data.digest);
  params.train_images = 7;
  params.test_images = 5;
  const Data limited = load_data(params, ".");
  CHECK(limited.train.size() == 7);
  CHECK(limited.test.size() == 5);
  CHECK(limited.validation.index == data.validation.index);
  params.train_images = 31;
  CHECK_THROWS_AS(load_data(params, "."), ConfigError);
}

TEST_CASE("an outline has a set's sizes, shape, classes and split, and reads no image") {
  const auto same = [](const DataParams& params) {
    const Data data = load_data(params, "."), outline = outline_data(params, ".");
    CHECK(text(outline.shape()) == text(data.shape()));
    CHECK(outline.classes() == data.classes());
    CHECK(outline.train.index == data.train.index);
    CHECK(outline.validation.index == data.validation.index);
    CHECK(outline.test.index == data.test.index);
    CHECK(outline.files == data.files);
    CHECK(outline.train.set->pixels.empty());
    CHECK(outline.digest.empty());
    return data.files;
  };
  const Folder idx("idx"), cifar("cifar");
  write_idx_set(idx);
  DataParams params;
  params.set = idx.path().string();
  params.validation = 10;
  params.train_images = 7;
  CHECK(same(params).size() == 4);
  params.train_images = 31;
  CHECK_THROWS_AS(outline_data(params, "."), ConfigError);
  // A size that is wrong is seen without reading the images.
  params.train_images = 0;
  std::ofstream(idx / "train-images-idx3-ubyte", std::ios::app) << "more";
  CHECK_THROWS_AS(outline_data(params, "."), FileError);
  // Gzipped images without their checksum: whoever reads them misses it.
  const auto images = idx / "train-images-idx3-ubyte";
  write_gz(images, idx_images(40));
  std::filesystem::resize_file(images, std::filesystem::file_size(images) - 8);
  CHECK_THROWS_AS(load_data(params, "."), FileError);
  CHECK(outline_data(params, ".").train.size() == 30);
  idx.write("train-labels-idx1-ubyte", idx_labels(39));
  CHECK(first_line_of<FileError>([&] {
          outline_data(params, ".");
        }).find("holds 39 labels for the 40 images") != std::string::npos);

  const std::string black = std::string(1, 7) + std::string(3072, 0);
  for (int i = 1; i <= 5; ++i)
    cifar.write("data_batch_" + std::to_string(i) + ".bin",
                cifar_record(1, 3) + (i == 2 ? black : ""));
  write_gz(cifar / "test_batch.bin", cifar_record(1, 3) + cifar_record(1, 5));
  params = {};
  params.set = cifar.path().string();
  CHECK(same(params).size() == 6);
  cifar.write("data_batch_3.bin", cifar_record(1, 3) + "abc");
  CHECK(first_line_of<FileError>([&] {
          outline_data(params, ".");
        }).find("data_batch_3.bin: is truncated") != std::string::npos);
}

TEST_CASE("pixels are normalised by the whole training file's statistics, or to 0..1") {
  const Folder folder("idx");
  write_idx_set(folder);
  DataParams params;
  params.set = folder.path().string();
  params.validation = 0;
  const Data data = load_data(params, ".");
  Matrix<double> x(6, kLanes, 5.0);
  std::vector<Index> all(40);
  for (Index i = 0; i < 40; ++i) all[static_cast<std::size_t>(i)] = i;
  std::vector<Label> labels(40);
  fill_lanes<double>(data.train, data.normalisation, all, x, labels);
  double sum = 0, squares = 0;
  for (Index row = 0; row < 6; ++row)
    for (Index lane = 0; lane < kLanes; ++lane) {
      sum += x(row, lane);
      squares += x(row, lane) * x(row, lane);
      if (lane >= 40) CHECK(x(row, lane) == 0.0);
    }
  CHECK(std::abs(sum) < 1e-10);
  CHECK(squares / 240 == doctest::Approx(1));
  CHECK(labels[17] == 7);
  params.normalise = "unit";
  const Data unit = load_data(params, ".");
  fill_lanes<double>(unit.train, unit.normalisation, all, x, labels);
  CHECK(x(5, 3) == doctest::Approx(35.0 / 255));
}

TEST_CASE("IDX files that are damaged or do not belong together are refused by name") {
  const Folder folder("idx");
  const auto labels = folder.write("labels", idx_labels(5));
  const auto error = [&](const std::filesystem::path& images, const std::filesystem::path& names) {
    return first_line_of<FileError>([&] { read_idx(images, names, 10); });
  };
  const std::string good = idx_images(5);
  CHECK(error(folder / "nowhere", labels).find("no such file") != std::string::npos);
  CHECK(error(folder.write("short", good.substr(0, good.size() - 4)), labels)
            .find("is truncated: 26 bytes") != std::string::npos);
  CHECK(error(folder.write("header", good.substr(0, 9)), labels)
            .find("truncated within its header") != std::string::npos);
  CHECK(error(folder.write("empty", ""), labels).find("too short") != std::string::npos);
  CHECK(error(folder.write("long", good + "x"), labels).find("is longer than its header says") !=
        std::string::npos);
  CHECK(error(labels, labels).find("is not an IDX file of images") != std::string::npos);
  CHECK(error(folder.write("huge", big_endian(0x803) + std::string(12, '\x7f')), labels)
            .find("impossible size") != std::string::npos);
  const auto images = folder.write("images", good);
  CHECK(error(images, folder.write("six", idx_labels(6)))
            .find("holds 6 labels for the 5 images of images") != std::string::npos);
  std::string wrong = idx_labels(5);
  wrong.back() = 11;
  CHECK(error(images, folder.write("wrong", wrong)).find("label 11 of image 4 is not in 0 .. 9") !=
        std::string::npos);
  write_gz(folder / "whole.gz", idx_images(2000));
  std::ifstream whole(folder / "whole.gz", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  CHECK(
      error(folder.write("cut.gz", bytes.substr(0, bytes.size() / 2)), labels).find("truncated") !=
      std::string::npos);
  // All images are there, and nothing vouches for them: a checksum and a length of 4 bytes each.
  for (std::size_t cut = 1; cut <= 8; ++cut)
    CHECK(error(folder.write("cut.gz", bytes.substr(0, bytes.size() - cut)), labels)
              .ends_with("cut.gz: is truncated or damaged (gzip)"));
}

TEST_CASE("CIFAR's binary files are read, and refused where they are damaged") {
  const Folder folder("cifar");
  const auto one = folder.write("one", cifar_record(1, 3) + cifar_record(1, 9));
  const auto two = folder.write("two", cifar_record(1, 0));
  const Dataset ten = read_cifar({one, two}, 1, 10);
  CHECK(ten.labels == std::vector<Label>{3, 9, 0});
  CHECK(ten.image(2)[3071] == 7);
  CHECK(read_cifar({folder.write("hundred", cifar_record(2, 77))}, 2, 100).labels.front() == 77);
  const auto error = [&](const std::string& bytes) {
    return first_line_of<FileError>([&] { read_cifar({folder.write("bad", bytes)}, 1, 10); });
  };
  CHECK(error(cifar_record(1, 3) + "abc").find("is truncated: image 1 has 3 of 3073 bytes") !=
        std::string::npos);
  CHECK(error("").find("is truncated: image 0") != std::string::npos);
  CHECK(error(cifar_record(1, 12)).find("label 12 of image 0") != std::string::npos);
}

TEST_CASE("a set is looked for in data.path and $OHMIC_DATA, never in another set's folder") {
  const Folder folder("sets");
  std::filesystem::create_directories(folder / "mnist");
  const Folder source("source");
  write_idx_set(source);
  for (const auto& file : std::filesystem::directory_iterator(source.path()))
    std::filesystem::copy(file.path(), folder / "mnist");
  DataParams params;
  params.set = "mnist";
  params.path = folder.path().filename().string();
  CHECK(load_data(params, folder.path().parent_path()).test.size() == 20);
  params.path = "";
  ::setenv("OHMIC_DATA", folder.path().c_str(), 1);
  CHECK(load_data(params, ".").train.size() == 36);  // a tenth validates
  ::setenv("OHMIC_DATA", (folder / "mnist").c_str(), 1);
  CHECK(load_data(params, ".").train.size() == 36);
  // Where no sets lie in data/sets.
  const std::filesystem::path started = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  params.set = "cifar10";
  const std::string missing = first_line_of<FileError>([&] { load_data(params, "."); });
  CHECK(missing.find("cifar-10-binary.tar.gz") != std::string::npos);
  CHECK(missing.find((folder / "mnist").string()) != std::string::npos);
  CHECK(missing.find("data/sets/cifar-10-batches-bin") != std::string::npos);
  ::unsetenv("OHMIC_DATA");

  std::filesystem::rename(folder / "mnist", folder / "fashion-mnist");
  params.set = "mnist";
  params.path = (folder / "fashion-mnist").string();
  CHECK_THROWS_AS(load_data(params, "."), FileError);
  params.path = "nowhere";
  CHECK(first_line_of<FileError>([&] { load_data(params, "."); }).find("nowhere is not a folder") !=
        std::string::npos);
  params.path = "";
  params.set = "fashion-mnst";
  CHECK(first_line_of<ConfigError>([&] {
          load_data(params, ".");
        }).find("did you mean 'fashion-mnist'?") != std::string::npos);
  std::filesystem::current_path(started);
}

}  // namespace
}  // namespace ohmic::nn
