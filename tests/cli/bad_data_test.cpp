#include <limits>

#include "cli/refused.h"
#include "io/h5.h"
#include "npy_bytes.h"

/// Data sets that are missing, cut or mislabelled: exit status 3, the file named, nothing left.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::idx;
using testing::npy_bytes;
using testing::TinyImages;
using testing::Workbench;

void check_run_refused(const Workbench& bench, const std::string& message,
                       int status = lab::kFiles) {
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out"}, status, message);
}

TEST_CASE("a missing data set is refused with what to get and every place looked in") {
  const Workbench bench("missing-set");
  check_refused(
      bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.set=mnist"}, lab::kFiles,
      "data set mnist is not here: get its four files (train-images-idx3-ubyte.gz, ...) "
      "from https://ossci-datasets.s3.amazonaws.com/mnist, and say where with data.path "
      "or $OHMIC_DATA (looked in ~/nowhere/mnist, ~/nowhere, data/sets/mnist, data/sets)");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.set=minst"},
                lab::kUsage,
                "--set data.set=minst: data.set = 'minst' is neither a known set (did you mean "
                "'mnist'?) nor a folder or HDF5 file (~/minst)");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.path=lost"},
                lab::kUsage, "~/tiny.toml:4:1: data.set = 'set' is neither a known set ...");
  std::filesystem::create_directories(bench.path("hollow"));
  check_refused(
      bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.set=hollow"}, lab::kFiles,
      "~/hollow: holds none of train-images-idx3-ubyte(.gz), data_batch_1.bin, train.bin, "
      "train_images.npy");
  std::filesystem::remove(bench.path("set/t10k-labels-idx1-ubyte"));
  check_run_refused(bench, "~/set/t10k-labels-idx1-ubyte: no such file");
}

TEST_CASE("truncated and mislabelled data files are refused by name") {
  const Workbench bench("broken-set");
  const TinyImages images(320, 1);
  const std::string pixels = "set/train-images-idx3-ubyte", labels = "set/train-labels-idx1-ubyte";
  const std::string good_pixels = idx({320, 8, 8}, images.pixels);
  const std::string good_labels = idx({320}, images.labels);

  bench.write(pixels, good_pixels.substr(0, 1000));
  check_run_refused(bench, "~/" + pixels +
                               ": is truncated: 984 bytes after its header, expected 20480 for 320 "
                               "images");
  bench.write(pixels, good_pixels.substr(0, 10));
  check_run_refused(bench, "~/" + pixels + ": is truncated within its header");
  bench.write(pixels, "");
  check_run_refused(bench, "~/" + pixels + ": is empty or too short for an IDX file");
  bench.write(pixels, good_pixels + "x");
  check_run_refused(
      bench, "~/" + pixels + ": is longer than its header says, expected 20480 for 320 images");
  bench.write(pixels, good_labels);  // mislabelled: labels under the name of images
  check_run_refused(
      bench, "~/" + pixels + ": is not an IDX file of images (it does not begin with 0 0 8 3)");
  bench.write(pixels, good_pixels);

  bench.write(labels, idx({300}, images.labels.substr(0, 300)));
  check_run_refused(
      bench, "~/" + labels + ": holds 300 labels for the 320 images of train-images-idx3-ubyte");
  bench.write(labels, good_pixels);
  check_run_refused(
      bench, "~/" + labels + ": is not an IDX file of labels (it does not begin with 0 0 8 1)");
  bench.write(labels, good_labels);

  const TinyImages test(100, 2);
  std::string wrong = test.labels;
  wrong[7] = 9;
  bench.write("set/t10k-labels-idx1-ubyte", idx({100}, wrong));
  check_run_refused(bench, "~/set/t10k-labels-idx1-ubyte: label 9 of image 7 is not in 0 .. 2");
  bench.write("set/t10k-labels-idx1-ubyte", idx({100}, test.labels));
  bench.write("set/t10k-images-idx3-ubyte", idx({100, 4, 16}, test.pixels));
  const auto said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/out"});
  CHECK(said.status == lab::kFiles);
  CAPTURE(said.log);
  CHECK(said.log.find("4 x 16") != std::string::npos);
  CHECK_FALSE(bench.has("out"));
}

/// The tiny set as .npy files in ~/own, its training labels as `labels`.
void write_own(const Workbench& bench, const std::vector<std::int64_t>& labels) {
  std::filesystem::create_directories(bench.path("own"));
  const TinyImages train(320, 1), test(100, 2);
  const auto bytes = [](const std::string& from) {
    return std::vector<std::uint8_t>(from.begin(), from.end());
  };
  bench.write("own/train_images.npy", npy_bytes({320, 8, 8}, bytes(train.pixels)));
  bench.write("own/train_labels.npy", npy_bytes({static_cast<Index>(labels.size())}, labels));
  bench.write("own/test_images.npy", npy_bytes({100, 8, 8}, bytes(test.pixels)));
  bench.write("own/test_labels.npy", npy_bytes({100}, bytes(test.labels)));
}

TEST_CASE("a set of .npy arrays runs like any other, and is refused by file, image and value") {
  const Workbench bench("own-set");
  const TinyImages train(320, 1);
  std::vector<std::int64_t> labels(train.labels.begin(), train.labels.end());
  write_own(bench, labels);
  const std::vector<std::string> own{"run",       "~/tiny.toml", "-o",
                                     "~/own-out", "--set",       "data.set=own"};
  CHECK(bench.ohmic(own).status == 0);
  CHECK(bench.ohmic({"run", "~/tiny.toml", "-o", "~/idx-out"}).status == 0);
  const h5::Reader by_array(bench.path("own-out/results.h5")),
      by_idx(bench.path("idx-out/results.h5"));
  CHECK(by_array.doubles("/chips/accuracy").values == by_idx.doubles("/chips/accuracy").values);

  const auto refused = [&](const std::string& message) {
    check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.set=own"},
                  lab::kFiles, message);
    check_refused(bench,
                  {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.set=own", "--dry-run"},
                  lab::kFiles, message);
  };
  labels[9] = -3;
  write_own(bench, labels);
  refused("~/own/train_labels.npy: label -3 of image 9 is not in 0 .. 2");
  labels.pop_back();
  write_own(bench, labels);
  refused("~/own/train_labels.npy: holds 319 labels for the 320 images of train_images.npy");
  write_own(bench, std::vector<std::int64_t>(320));
  std::vector<float> pixels(320 * 64, 1.0f);
  pixels[64 * 5 + 9] = std::numeric_limits<float>::quiet_NaN();
  bench.write("own/train_images.npy", npy_bytes({320, 8, 8}, pixels));
  bench.write("own/test_labels.npy", npy_bytes({100}, std::vector<std::uint8_t>(100)));
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", "data.set=own"}, lab::kFiles,
                "~/own/train_images.npy: image 5, channel 0, row 1, column 1 is nan, expected a "
                "finite number");
}

TEST_CASE("more images than a set has are refused, not clamped") {
  const Workbench bench("too-many");
  const auto refused = [&](const std::string& setting, const std::string& message) {
    check_refused(bench, {"run", "~/tiny.toml", "-o", "~/out", "--set", setting}, lab::kUsage,
                  "--set " + setting + ": " + message);
  };
  refused("data.validation=320", "data.validation = 320 leaves nothing of 320 training images");
  refused("data.train_images=1000", "data.train_images = 1000, but there are only 288");
  refused("data.test_images=101", "data.test_images = 101, but there are only 100");
  refused("evaluation.images=101", "evaluation.images = 101, but there are only 100 test images");
  refused("training.batch=289", "training.batch = 289, but there are only 288 training images");
  refused("training.augment_crop_pixels=8",
          "training.augment_crop_pixels = 8 moves images of 8 x 8 pixels out of sight");
  refused("training.augment_rotation_degrees=181",
          "training.augment_rotation_degrees = 181 is out of range (0 .. 180)");
}

}  // namespace
}  // namespace ohmic
