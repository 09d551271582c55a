#include <limits>

#include "cli/process.h"
#include "cli/refused.h"
#include "io/h5.h"
#include "lab/results/folder_lock.h"

/// What `ohmic mvm` refuses.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Workbench;

TEST_CASE("matrices that do not match, are empty, or are not finite are refused by name") {
  const Workbench bench("bad-mvm");
  bench.write_matrix("w.npy", 5, 7, 1);
  bench.write_matrix("x.npy", 9, 7, 2);
  bench.write_matrix("x8.npy", 9, 8, 3);
  const auto refused = [&](const std::string& w, const std::string& x, int status,
                           const std::string& message) {
    check_refused(bench, {"mvm", "--weights", "~/" + w, "--inputs", "~/" + x, "-o", "~/y.npy"},
                  status, message);
  };
  refused("w.npy", "x8.npy", lab::kUsage,
          "--weights ~/w.npy is 5 x 7 (outputs x inputs), but --inputs ~/x8.npy has vectors of 8 "
          "numbers");
  refused("lost.npy", "x.npy", lab::kFiles, "--weights: ~/lost.npy: no such file");
  refused("w.npy", "lost.csv", lab::kFiles, "--inputs: ~/lost.csv: no such file");
  refused("w.mat", "x.npy", lab::kFiles,
          "--weights: ~/w.mat: expected FILE.csv, FILE.npy or FILE.h5:/PATH");

  const float nan = std::numeric_limits<float>::quiet_NaN(),
              inf = std::numeric_limits<float>::infinity();
  const std::vector<float> spoilt{1, 2, 3, nan, inf, 6};
  write_npy(bench.path("nan.npy"), {2, 3}, spoilt.data());
  write_npy(bench.path("inf.npy"), {1, 2}, spoilt.data() + 4);
  bench.write("nan.csv", "1,2,3\n4,nan,6\n");
  bench.write("inf.csv", "1,2\n-inf,3\n");
  bench.write("word.csv", "1,2\nx,3\n");
  bench.write("ragged.csv", "1,2\n3\n");
  bench.write("empty.csv", "");
  write_npy(bench.path("empty.npy"), {0, 7}, spoilt.data());
  write_npy(bench.path("cube.npy"), {1, 2, 3}, spoilt.data());
  refused("nan.npy", "x.npy", lab::kFiles,
          "--weights: ~/nan.npy: row 2, column 1 is nan, expected a finite number");
  refused("w.npy", "inf.npy", lab::kFiles,
          "--inputs: ~/inf.npy: row 1, column 1 is inf, expected a finite number");
  refused("w.npy", "nan.csv", lab::kFiles, "--inputs: ~/nan.csv:2:3: 'nan' is not a finite number");
  refused("inf.csv", "x.npy", lab::kFiles,
          "--weights: ~/inf.csv:2:1: '-inf' is not a finite number");
  refused("w.npy", "word.csv", lab::kFiles, "--inputs: ~/word.csv:2:1: 'x' is not a number");
  refused("w.npy", "ragged.csv", lab::kFiles,
          "--inputs: ~/ragged.csv:2:1: a row of 1, expected 2 as in line 1");
  refused("w.npy", "empty.csv", lab::kFiles, "--inputs: ~/empty.csv: is empty: holds no numbers");
  refused("empty.npy", "x.npy", lab::kFiles, "--weights: ~/empty.npy: holds no numbers");
  refused("cube.npy", "x.npy", lab::kUsage,
          "--weights: ~/cube.npy: has 3 dimensions, expected a matrix");

  const std::vector<float> huge{3e38f, 3e38f};
  write_npy(bench.path("huge.npy"), {1, 2}, huge.data());
  refused("huge.npy", "huge.npy", lab::kUsage,
          "the product is not finite: --weights ~/huge.npy, --inputs ~/huge.npy, or the "
          "conductances and noise of [device] are beyond single precision");
  {
    h5::Writer out(bench.path("m.h5"));
    out.write("/w", {1, 2}, spoilt.data());
    out.commit();
  }
  refused("m.h5:/v", "x.npy", lab::kFiles, "--weights: ~/m.h5: no data set '/v'");
  refused("m.h5", "x.npy", lab::kFiles,
          "--weights: ~/m.h5: expected a data set behind the file, as in ~/m.h5:/weight");
}

TEST_CASE("outputs of mvm that cannot hold its product, or exist, are refused") {
  const Workbench bench("mvm-output");
  bench.write_matrix("w.npy", 5, 7, 1);
  bench.write_matrix("x.npy", 9, 7, 2);
  const auto refused = [&](std::vector<std::string> more, const std::string& message) {
    more.insert(more.begin(), {"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy"});
    check_refused(bench, more, lab::kUsage, message);
  };
  refused({}, "--output is required; see `ohmic mvm --help`");
  refused({"-o", "~/y.txt"}, "-o ~/y.txt: the ending is none of .npy, .h5, .csv");
  refused({"-o", "~/y.csv", "--chips", "3"},
          "-o ~/y.csv: a .csv holds one chip, but chips = 3; choose .npy or .h5");
  refused({"-o", "~/y.npy", "--chips", "0"}, "--set chips=0: chips = 0 is out of range (1 .. ...");
  refused({"-o", "~/y.h5", "--dump", "~/y.h5"},
          "-o and --dump are one file, ~/y.h5; choose another name for the output");
  refused({"-o", "~/y.h5", "--dump", "~/lost/../y.h5"},
          "-o and --dump are one file, ~/lost/../y.h5; choose another name for the output");
  refused({"-o", "~/w.npy"}, "-o ~/w.npy: exists; choose another name, or replace it with --force");
  refused({"-o", "~/y.npy", "--dump", "~/x.npy"},
          "--dump ~/x.npy: exists; choose another name, or replace it with --force");
  refused({"-o", "~/y.npy", "--set", "array.row_partition=[3,3]"},
          "layer W: array.row_partition sums to 6 rows, but the layer has 7");
  refused({"-o", "~/y.npy", "--set", "device=3"},
          "--set device=3: device = 3 is an integer, expected a table");
}

TEST_CASE("of two products that are made at once under one name, one is refused") {
  const Workbench bench("two-mvm");
  bench.write_matrix("w.npy", 60, 50, 1);
  bench.write_matrix("x.npy", 200, 50, 2);
  const auto words = [](const std::string& out, const std::string& dump, const char* seed) {
    std::vector<std::string> all{"mvm",      "--weights", "~/w.npy",
                                 "--inputs", "~/x.npy",   "--chips",
                                 "20",       "--set",     std::string("seed=") + seed,
                                 "-o",       "~/" + out};
    if (!dump.empty()) all.insert(all.end(), {"--dump", "~/" + dump});
    return all;
  };
  for (int round = 0; round < 5; ++round) {
    // The same output; or the output of one is what the other dumps.
    const bool dumps = round % 2 == 1;
    std::filesystem::remove_all(bench.path("out"));
    std::filesystem::create_directories(bench.path("out"));
    testing::Process a(bench, words("out/y.h5", "", "1")),
        b(bench, dumps ? words("out/z.npy", "out/y.h5", "2") : words("out/y.h5", "", "2"));
    const int one = a.wait(), two = b.wait();
    CHECK((one == 0) != (two == 0));
    CHECK(std::max(one, two) == lab::kUsage);
    CHECK(h5::Reader(bench.path("out/y.h5")).integer_attribute("/", "seed") == (one == 0 ? 1 : 2));
    CHECK(bench.has("out/z.npy") == (dumps && two == 0));
    CHECK_FALSE(bench.has("out/y.h5.lock"));
  }
  // Products of different names are made side by side.
  testing::Process a(bench, words("out/one.npy", "", "1")), b(bench, words("out/two.npy", "", "2"));
  CHECK(a.wait() == 0);
  CHECK(b.wait() == 0);
  const auto held = lab::FolderLock::take(bench.path("out/three.npy.lock"));
  REQUIRE(held);
  check_refused(bench, words("out/three.npy", "", "1"), lab::kUsage,
                "-o ~/out/three.npy: a command on this file is being run by process " +
                    std::to_string(getpid()) + " on ...");
}

}  // namespace
}  // namespace ohmic
