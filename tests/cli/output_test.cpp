#include "cli/refused.h"
#include "full_disk.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// Where results go: existing ones, places that cannot be written, a full disk.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::FullDisk;
using testing::Workbench;

TEST_CASE("results of the same config are done already, of another one are refused unless forced") {
  const Workbench bench("existing");
  for (const std::string command : {"run", "train"}) {
    CAPTURE(command);
    const std::string out = "~/" + command;
    // Chips have no part in a training.
    const std::string other = command == "run" ? "seed=4" : "training.seed=4";
    REQUIRE(bench.ohmic({command, "~/tiny.toml", "-o", out}).status == lab::kDone);
    const std::string bytes = read_whole_file(bench.path(command + "/results.h5"));

    // threads and batch change no result
    const auto again = bench.ohmic(
        {command, "~/tiny.toml", "-o", out, "--set", "threads=1", "--set", "evaluation.batch=7"});
    CHECK(again.status == lab::kDone);
    CHECK(again.out.starts_with(out + "/results.h5 is done already (the same config)"));
    check_refused(bench, {command, "~/tiny.toml", "-o", out, "--set", other}, lab::kUsage,
                  out +
                      "/results.h5 holds the results of another config; choose another folder with "
                      "-o, or replace it with --force");
    CHECK(read_whole_file(bench.path(command + "/results.h5")) == bytes);
    CHECK(bench.ohmic({command, "~/tiny.toml", "-o", out, "--set", other, "--force"}).status ==
          lab::kDone);
    CHECK(h5::Reader(bench.path(command + "/results.h5"))
              .string_attribute("/", "config")
              .find("seed = 4") != std::string::npos);
  }
  check_refused(bench, {"train", "~/tiny.toml", "-o", "~/run"}, lab::kUsage,
                "~/run/results.h5 holds the results of another command (run); ...");
  std::filesystem::create_directories(bench.path("foreign"));
  bench.write("foreign/results.h5", "something else");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/foreign"}, lab::kUsage,
                "~/foreign/results.h5 exists and is not a results file of Ohmic (...");
}

TEST_CASE("an output that cannot be written is refused before the training") {
  const Workbench bench("unwritable");
  for (const char* command : {"run", "train"})
    check_refused(bench, {command, "~/tiny.toml", "-o", "~/tiny.toml/below"}, lab::kFiles,
                  "~/tiny.toml/below: the output folder cannot be made: Not a directory");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/" + std::string(300, 'a')}, lab::kFiles,
                "~/aaa...");
  bench.write_matrix("w.npy", 3, 4, 1);
  check_refused(bench,
                {"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/tiny.toml/y.npy"},
                lab::kFiles, "~/tiny.toml/y.npy: cannot be written (Not a directory)");
  check_refused(bench,
                {"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/y.npy", "--dump",
                 "~/tiny.toml/d.h5"},
                lab::kFiles, "~/tiny.toml/d.h5: cannot be written (Not a directory)");
}

TEST_CASE("a full disk is reported and leaves nothing half-written") {
  const Workbench bench("full-disk");
  constexpr rlim_t kRoom = 4096;  // less than a checkpoint or a results file takes
  {
    const FullDisk full(kRoom);
    const auto said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/out", "--no-cache"});
    CHECK(said.status == lab::kFiles);
    CHECK(said.log.find("~/out/training.h5: cannot be written (File too large)") !=
          std::string::npos);
  }
  CHECK_FALSE(bench.has("out"));

  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/trained"}).status == lab::kDone);
  {
    const FullDisk full(kRoom);  // the network is in the cache, so that the results come first
    check_refused(bench, {"train", "~/tiny.toml", "-o", "~/out"}, lab::kFiles,
                  "~/out/network.h5: cannot be written (File too large)");
    const auto said = bench.ohmic({"run", "~/tiny.toml", "-o", "~/out"});
    CHECK(said.status == lab::kFiles);
    CHECK(said.message() == "~/out/results.h5: cannot be written (File too large)");
  }
  CHECK_FALSE(bench.has("out"));
  CHECK(bench.ohmic({"run", "~/tiny.toml", "-o", "~/out"}).status == lab::kDone);
}

TEST_CASE("a full disk under mvm leaves neither the product nor the dump") {
  const Workbench bench("full-mvm");
  bench.write_matrix("w.npy", 100, 10, 1);
  bench.write_matrix("x.npy", 100, 10, 2);
  for (const rlim_t room :
       {rlim_t{30000}, rlim_t{1000}}) {  // the product alone would fit, or not even that
    const FullDisk full(room);
    check_refused(
        bench,
        {"mvm", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o", "~/y.csv", "--dump", "~/d.h5"},
        lab::kFiles, "~/d.h5: cannot be written (File too large)");
  }
  const FullDisk full(300000);  // room for the dump, not for the product as text
  bench.write_matrix("long.npy", 900, 10, 2);
  check_refused(bench, {"mvm", "--weights", "~/w.npy", "--inputs", "~/long.npy", "-o", "~/y.csv"},
                lab::kFiles, "~/y.csv: cannot be written (File too large)");
}

}  // namespace
}  // namespace ohmic
