#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "cli/process.h"
#include "cli/same_results.h"
#include "cli/workbench.h"
#include "full_disk.h"
#include "io/h5.h"
#include "io/whole_file.h"
#include "lab/results/folder_lock.h"
#include "repeats.h"

/// Kills, full disks, damaged files and other processes: a sweep loses at most the points that run.
using namespace ohmic;
using namespace ohmic::testing;

namespace {

const std::string kSweep = kTinyConfig +
                           "[sweep]\naxes = [ { key = \"device.sigma\", from = 0.0, to = 0.9, step "
                           "= 0.1 }, { key = \"adc.bits\", values = [4, 5, 6, 8] } ]\n";

std::size_t count_files(const std::string& folder, const std::string& ending) {
  std::size_t n = 0;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none))
    n += entry.path().extension() == ending;
  return n;
}

std::string some_point(const Workbench& bench, const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(bench.path(folder + "/points")))
    if (entry.path().extension() == ".h5") return entry.path().string();
  return "";
}

const std::string kCompare = kTinyCompare + "sigmas = [0.1, 0.2, 0.3, 0.4]\n";

/// Kills `command` again and again until `wanted` kills met it alive, one of them amid its
/// `points`, and lets it end after each.
void kill_and_resume(const std::string& command, const std::string& config, std::size_t points,
                     int wanted) {
  const Workbench bench(command + "-kill");
  bench.write("c.toml", config);
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(Process(bench, {command, "~/c.toml", "-o", "~/whole"}).wait() == 0);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  std::mt19937 moments(7);
  int kills = 0, in_the_middle = 0;
  for (int attempt = 0; (kills < wanted || in_the_middle == 0) && attempt < 10 * wanted + 20;
       ++attempt) {
    std::filesystem::remove_all(bench.path("killed"));
    if (attempt % 2)
      std::filesystem::remove_all(bench.path("cache"));  // a training to be killed in
    Process process(bench, {command, "~/c.toml", "-o", "~/killed"});
    std::this_thread::sleep_for(whole * (static_cast<double>(moments()) / 4294967296.0));
    if (!process.kill()) continue;
    ++kills;
    const std::size_t done = count_files(bench.path("killed/points"), ".h5");
    in_the_middle += done > 0 && done < points;
    const Said said = bench.ohmic({command, "~/c.toml", "-o", "~/killed"});
    CAPTURE(said.log);
    REQUIRE(said.status == 0);
    REQUIRE(first_difference(bench.path("whole/results.h5"), bench.path("killed/results.h5")) ==
            "");
    // Files of points, and nothing that the dead process left.
    REQUIRE(count_files(bench.path("killed/points"), ".h5") == points);
    REQUIRE(std::filesystem::is_empty(bench.path("killed/locks")));
    REQUIRE(static_cast<std::size_t>(std::distance(
                std::filesystem::directory_iterator(bench.path("killed/points")), {})) == points);
  }
  CHECK(kills >= wanted);
  CHECK(in_the_middle > 0);
}

/// Two shards and a range of points at once, against one process.
void work_together(const std::string& command, const std::string& config, std::size_t points,
                   std::size_t trainings) {
  const Workbench bench(command + "-many");
  bench.write("c.toml", config);
  REQUIRE(bench.ohmic({command, "~/c.toml", "-o", "~/one"}).status == 0);
  std::filesystem::remove_all(bench.path("cache"));  // so that they meet at the training, too
  {
    Process a(bench, {command, "~/c.toml", "-o", "~/many", "--shard", "0/2"}),
        b(bench, {command, "~/c.toml", "-o", "~/many", "--shard", "1/2"}),
        c(bench, {command, "~/c.toml", "-o", "~/many", "--points", "5..20"});
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(c.wait() == 0);
  }
  CHECK(bench.has("many/results.h5"));  // the last of them merged
  CHECK(count_files(bench.path("many/trainings"), ".h5") == trainings);
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("many/results.h5")) == "");
  CHECK(count_files(bench.path("many/points"), ".h5") == points);
  CHECK(count_files(bench.path("many/points"), ".claim") == 0);
  const Said status = bench.ohmic({command, "--status", "~/many"});
  CHECK(status.out.starts_with(fmt::format("~/many: {0} of {0} points done, 0 running", points)));
}

}  // namespace

TEST_CASE("kill -9 at random moments: the resumed results equal those of an uninterrupted run") {
  kill_and_resume("sweep", kSweep, 40, repeats(20));
}

TEST_CASE("kill -9 at random moments of a comparison: resumed, it has the bits of a whole one") {
  kill_and_resume("compare", kCompare, 24, repeats(10));
}

TEST_CASE("several processes on one folder, shards and all points at once, give one sweep's bits") {
  work_together("sweep", kSweep, 40, 1);
}

TEST_CASE("shards of a comparison are its bits, and each network is trained once for all") {
  work_together("compare", kCompare, 24, 6);  // base, penalty and compensators, two seeds each
}

TEST_CASE("tasks of an array with gaps share what is free, and say so") {
  const Workbench bench("sweep-gaps");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/one"}).status == 0);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/gaps", "--points", "3..9"}).status == 0);
  setenv("SLURM_ARRAY_TASK_MIN", "1", 1);
  setenv("SLURM_ARRAY_TASK_MAX", "5", 1);
  setenv("SLURM_ARRAY_TASK_COUNT", "2", 1);
  const std::string log = bench.path("log");
  {
    setenv("SLURM_ARRAY_TASK_ID", "1", 1);
    Process a(bench, {"sweep", "~/s.toml", "-o", "~/gaps"});
    setenv("SLURM_ARRAY_TASK_ID", "5", 1);
    Process b(bench, {"sweep", "~/s.toml", "-o", "~/gaps"}, "/dev/null", log);
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
  }
  for (const char* part : {"ID", "MIN", "MAX", "COUNT"})
    unsetenv((std::string("SLURM_ARRAY_TASK_") + part).c_str());
  CHECK(read_whole_file(log).find("array task 5: the list of tasks has gaps, so its numbers define "
                                  "no shares; this task takes whatever points are free\n") !=
        std::string::npos);
  CHECK(count_files(bench.path("gaps/points"), ".h5") == 40);
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("gaps/results.h5")) == "");
}

TEST_CASE("Ctrl-C keeps the points that are done; the same command goes on") {
  const Workbench bench("sweep-interrupt");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/one"}).status == 0);
  const Said stopped =
      bench.ohmic({"sweep", "~/s.toml", "-o", "~/two", "--threads", "1"}, "7 of 40");
  CHECK(stopped.status == lab::kInterrupted);
  CHECK(stopped.log.find("the same command goes on from them") != std::string::npos);
  CHECK_FALSE(bench.has("two/results.h5"));
  const std::size_t kept = count_files(bench.path("two/points"), ".h5");
  CHECK((kept >= 7 && kept < 40));
  const Said status = bench.ohmic({"sweep", "--status", "~/two"});
  CHECK(status.out.starts_with("~/two: " + std::to_string(kept) + " of 40 points done, 0 running"));
  const Said resumed = bench.ohmic({"sweep", "~/s.toml", "-o", "~/two"});
  CHECK(resumed.status == 0);
  CHECK(resumed.log.find(std::to_string(kept) + " of 40 points are there; going on") !=
        std::string::npos);
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("two/results.h5")) == "");
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/two"})
            .out.starts_with("~/two/results.h5 is done already"));
}

TEST_CASE("damaged point files are put aside, said, and run again") {
  const Workbench bench("sweep-damage");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/one"}).status == 0);
  std::filesystem::copy(bench.path("one"), bench.path("two"),
                        std::filesystem::copy_options::recursive);
  const std::string victim = some_point(bench, "two");
  const std::string whole = read_whole_file(victim);
  // A number in the middle that only the seal of the bytes can tell from the right one.
  const h5::Array<double> accuracy = h5::Reader(victim).doubles("/accuracy");
  const std::string bytes(reinterpret_cast<const char*>(accuracy.values.data()), 8);
  std::string flipped = whole;
  REQUIRE(flipped.find(bytes) != flipped.npos);
  flipped[flipped.find(bytes) + 3] ^= 1;
  std::vector<std::string> damaged{whole.substr(0, whole.size() / 2), std::string(), flipped};
  // Bytes of HDF5's own structures, which the library might loop or crash on.
  std::mt19937 random(3);
  for (int i = 0; i < 12; ++i) {
    damaged.push_back(whole);
    for (int k = 0; k < 8; ++k)
      damaged.back()[random() % whole.size()] ^= static_cast<char>(1 + random() % 255);
  }
  for (const std::string& contents : damaged) {
    std::ofstream(victim, std::ios::binary) << contents;
    const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/two"});
    CHECK(said.status == 0);
    CHECK(said.log.find("a damaged point file was put aside as ~/two/points/") !=
          std::string::npos);
    CHECK(first_difference(bench.path("one/results.h5"), bench.path("two/results.h5")) == "");
  }
  std::size_t aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bench.path("two/points")))
    aside += entry.path().extension().string().starts_with(".damaged-");
  CHECK(aside == damaged.size());
  // What cannot be read is not damaged: it is told and left where it is.
  std::filesystem::remove(victim);
  std::filesystem::create_directory(victim);
  const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/two"});
  CHECK(said.status == lab::kFiles);
  CHECK(said.message().ends_with(".h5: is a folder, expected a file"));
  CHECK(std::filesystem::is_directory(victim));
}

TEST_CASE("a damaged point counts as not done in --status and --dry-run, which leave it there") {
  const Workbench bench("sweep-look");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == 0);
  CHECK(bench.ohmic({"sweep", "--status", "~/s"})
            .out.starts_with("~/s: 40 of 40 points done, 0 running, 0 failed, 0 waiting\n"));
  const std::string victim = some_point(bench, "s"), whole = read_whole_file(victim);
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  std::string other;  // sound, but of another point
  for (const auto& entry : std::filesystem::directory_iterator(bench.path("s/points")))
    if (entry.path() != victim) other = read_whole_file(entry.path());
  for (const std::string& contents : {flipped, whole.substr(0, 100), std::string(), other}) {
    std::ofstream(victim, std::ios::binary) << contents;
    const Said status = bench.ohmic({"sweep", "--status", "~/s"});
    CHECK(status.status == 0);
    CHECK(
        status.out.starts_with("~/s: 39 of 40 points done, 0 running, 0 failed, 1 waiting (1 with "
                               "a damaged file)\ndamaged   ~/s/points/"));
    const Said dry = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--dry-run"});
    CHECK(dry.status == 0);
    CHECK(dry.out.find("\n1 point to measure of 40 points, 1 training (1 there already)\n"
                       "1 damaged point file to be put aside and measured again\n") !=
          std::string::npos);
    CHECK(read_whole_file(victim) == contents);
  }
}

TEST_CASE("a pipe in the place of a lock or a claim hangs no sweep: one line names it") {
  const Workbench bench("sweep-pipe");
  bench.write("s.toml", kSweep);
  const std::vector<std::string> words{"sweep", "~/s.toml", "-o", "~/s"};
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--points", "0..3"}).status == 0);
  const std::string table = read_whole_file(bench.path("s/points.csv")),
                    last = table.substr(table.rfind("\n39,") + 4, 32);
  for (const std::string place : {"locks/all.lock", "locks/merge.lock", "locks/other.lock"}) {
    const std::string file = bench.path("s/" + place);
    REQUIRE(mkfifo(file.c_str(), 0666) == 0);
    const std::string message = "~/s/" + place + ": is not a regular file (a pipe or a device)";
    for (const auto& command : {words, {"sweep", "--status", "~/s"}}) {
      const Said said = bench.ohmic(command);
      CHECK(said.status == lab::kFiles);
      CHECK(said.message() == message);
    }
    std::filesystem::remove(file);
  }
  for (const std::string ending : {".claim", ".failed"}) {
    const std::string name = "s/points/" + last + ending;
    REQUIRE(mkfifo(bench.path(name).c_str(), 0666) == 0);
    const Said said = bench.ohmic({"sweep", "--status", "~/s"});
    CHECK(said.status == lab::kFiles);
    CHECK(said.message() == "~/" + name + ": is not a regular file (a pipe or a device)");
    std::filesystem::remove(bench.path(name));
  }
  CHECK(bench.ohmic(words).status == 0);
}

TEST_CASE("two sweeps that start at once on one folder are not both accepted") {
  const Workbench bench("sweep-two");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/warm", "--points", "0..0"}).status == 0);
  for (int round = 0; round < 5; ++round) {
    std::filesystem::remove_all(bench.path("two"));
    Process a(bench, {"sweep", "~/s.toml", "-o", "~/two", "--shard", "0/2"}),
        b(bench, {"sweep", "~/s.toml", "-o", "~/two", "--shard", "1/2", "--set", "chips=4"});
    const int one = a.wait(), other = b.wait();
    CHECK((one == 0) != (other == 0));
    CHECK(std::max(one, other) == lab::kUsage);
    CHECK(count_files(bench.path("two/points"), ".h5") == 20);
  }
}

TEST_CASE("a forced sweep that was stopped before its merge goes on, whatever results.h5 holds") {
  const Workbench bench("sweep-forced");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == 0);
  const std::string old = read_whole_file(bench.path("s/results.h5"));
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--set", "chips=4", "--force"}).status ==
          0);
  const std::string forced = bench.path("s/results.h5");
  std::filesystem::copy(forced, bench.path("wanted.h5"));
  for (const std::string& contents : {old, std::string("damaged")}) {
    std::ofstream(forced, std::ios::binary) << contents;
    CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--set", "chips=4"}).status == 0);
    CHECK(first_difference(bench.path("wanted.h5"), forced) == "");
  }
}

TEST_CASE("a full disk ends a sweep with its message; earlier points are whole") {
  const Workbench bench("sweep-disk");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/one"}).status == 0);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/two", "--points", "0..9"}).status == 0);
  {
    const FullDisk full(2000);  // less than a point's file
    const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/two"});
    CHECK(said.status == lab::kFiles);
    CHECK(said.log.find(".h5: cannot be written (File too large); points that are done are kept: "
                        "the same command goes on\n") != std::string::npos);
  }
  CHECK(count_files(bench.path("two/points"), ".h5") == 10);
  CHECK_FALSE(bench.has("two/results.h5"));
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/two"}).status == 0);
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("two/results.h5")) == "");
}

TEST_CASE("a point that fails leaves its message, the others their results, and is tried again") {
  const Workbench bench("sweep-fail");
  // Read noise beyond single precision: what no check can see before the chips are read.
  bench.write("s.toml", kTinyConfig +
                            "[sweep]\naxes = [ { key = \"device.g_min_uS\", values = "
                            "[0.1, 1e-30, 0.2] } ]\n");
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Said said =
        bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--set", "device.read_noise=10", "--set",
                     "device.read_noise_of=inverse"});
    CHECK(said.status == lab::kSomeFailed);
    CHECK(said.log.find("failed: point 1 (device.g_min_uS 1e-30): chip 0: the network's outputs "
                        "are not finite") != std::string::npos);
    CHECK(said.out.find("2 points done, 1 failed, 0 missing") != std::string::npos);
  }
  const h5::Reader in(bench.path("s/results.h5"));
  const auto messages = in.strings("/message");
  CHECK(messages[0] == "");
  CHECK(messages[1].starts_with("chip 0: the network's outputs are not finite"));
  CHECK(in.integers("/status").values == std::vector<std::int64_t>{0, 1, 0});
  CHECK(in.integers("/chips_done").values == std::vector<std::int64_t>{3, 0, 3});
  CHECK(count_files(bench.path("s/points"), ".failed") == 1);
  CHECK(bench.ohmic({"sweep", "--status", "~/s"}).out.find("1 failed") != std::string::npos);
}

TEST_CASE("a lock names its owner; one of a process that is gone is taken over at once") {
  const Workbench bench("sweep-lock");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--points", "0..3"}).status == 0);
  const std::string file = bench.path("s/locks/all.lock");
  {
    const auto held = lab::FolderLock::take(file);
    REQUIRE(held);
    CHECK_FALSE(lab::FolderLock::take(file));
    const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"});
    CHECK(said.status == lab::kUsage);
    CHECK(said.message().starts_with("~/s: this sweep is being run by process " +
                                     std::to_string(getpid()) + " on "));
    CHECK(bench.ohmic({"sweep", "--status", "~/s"}).out.find("working   process ") !=
          std::string::npos);
    // Another part does not mind.
    CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--points", "4..5"}).status == 0);
  }
  CHECK_FALSE(std::filesystem::exists(file));

  // A process that was killed while it held the lock and a claim.
  Process process(bench, {"sweep", "~/s.toml", "-o", "~/s", "--set", "chips=2000"});
  process.wait();  // refused: another config
  Process killed(bench, {"sweep", "~/s.toml", "-o", "~/t", "--set", "chips=20000"});
  while (count_files(bench.path("t/points"), ".claim") == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  REQUIRE(killed.kill());
  REQUIRE(std::filesystem::exists(bench.path("t/locks/all.lock")));
  CHECK_FALSE(lab::living_owner(bench.path("t/locks/all.lock")));
  CHECK(bench.ohmic({"sweep", "--status", "~/t"}).out.find(" 0 running") != std::string::npos);
  CHECK(lab::FolderLock::take(bench.path("t/locks/all.lock")));

  // Another host: believed while it gives signs of life, until three beats are missed.
  const std::string foreign =
      "host far-away\nprocess 1\nstarted boot 5\njob 99\nsince 2026-01-01T00:00:00Z\nholding 1\n";
  std::ofstream(file) << foreign;
  {
    std::atomic<bool> ends = false;
    std::thread beats([&] {
      while (!ends) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        utimensat(AT_FDCWD, file.c_str(), nullptr, 0);
      }
    });
    const Said refused = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"});
    ends = true;
    beats.join();
    CHECK(refused.status == lab::kUsage);
    CHECK(refused.log ==
          "this sweep was being run by process 1 on far-away (job 99), since 2026-01-01T00:00:00Z; "
          "waiting up to 30 s for a sign of life\n"
          "ohmic: ~/s: this sweep is being run by process 1 on far-away (job 99), since "
          "2026-01-01T00:00:00Z; wait for it, or take another part with --shard or --points\n");
  }
  timespec past[2];
  clock_gettime(CLOCK_REALTIME, &past[0]);
  past[0].tv_sec -= 31;
  past[1] = past[0];
  REQUIRE(utimensat(AT_FDCWD, file.c_str(), past, 0) == 0);
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == 0);
}

TEST_CASE("exclusive files are made once and removed only by who knows them") {
  const Folder folder("exclusive");
  const auto file = folder / "claim";
  CHECK(lab::create_exclusively(file, "a"));
  CHECK_FALSE(lab::create_exclusively(file, "b"));
  CHECK(read_whole_file(file) == "a");
  CHECK_FALSE(lab::remove_exactly(file, "b"));
  CHECK(read_whole_file(file) == "a");
  CHECK(lab::remove_exactly(file, "a"));
  CHECK_FALSE(lab::remove_exactly(file, "a"));
  // Many at once: one wins.
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> winners = 0;
    std::vector<std::thread> racers;
    for (int i = 0; i < 4; ++i)
      racers.emplace_back([&, i] { winners += lab::create_exclusively(file, std::to_string(i)); });
    for (std::thread& racer : racers) racer.join();
    CHECK(winners == 1);
    CHECK(folder.count() == 1);
    std::filesystem::remove(file);
  }
}

TEST_CASE("a notebook that holds the merged file is no obstacle, and keeps what it opened") {
  const Workbench bench("sweep-notebook");
  bench.write("s.toml", kSweep);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--points", "0..9"}).status == 0);
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--merge"}).status == lab::kSomeFailed);
  const std::string file = bench.path("s/results.h5");
  const int notebook = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(notebook >= 0);
  REQUIRE(flock(notebook, LOCK_SH) == 0);  // what h5py does to read
  struct stat before {
  }, after{};
  REQUIRE(fstat(notebook, &before) == 0);
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == 0);
  REQUIRE(stat(file.c_str(), &after) == 0);
  CHECK(before.st_ino != after.st_ino);
  close(notebook);
  for (const std::int64_t status : h5::Reader(file).integers("/status").values) CHECK(status == 0);
}
