#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "cli/process.h"
#include "cli/refused.h"
#include "cli/same_results.h"
#include "io/whole_file.h"
#include "lab/results/folder_lock.h"
#include "repeats.h"

/// Cuts, kills and other processes: run, train, compare and search end with the same bits, and
/// leave nothing of a dead run. (Sweeps: sweep_safety_test.cpp.)
using namespace ohmic;
using namespace ohmic::testing;

namespace {

/// Configs of a few tenths of a second, by command.
void write_configs(const Workbench& bench) {
  bench.write("run.toml", kTinyConfig);
  bench.write("train.toml", kTinyConfig);
  std::string compare = kTinyCompare + "sigmas = [0.2]\n";
  compare.replace(compare.find("set = \"set\""), 11, "set = \"set\"\nvalidation = 40");
  bench.write("compare.toml", compare);
  bench.write("search.toml", compare +
                                 "[search]\nlayers = [\"conv1\"]\nratios = [0, 1]\nepochs = "
                                 "1\nchips = 2\nimages = 20\nevaluations = 2\n");
}

const std::vector<std::string> kCommands{"run", "train", "compare", "search"};

std::vector<std::string> words_of(const std::string& command, const std::string& out) {
  return {command, "~/" + command + ".toml", "-o", "~/" + out};
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("every kept file may be cut anywhere: the same command ends with the same bits") {
  const Workbench bench("cut");
  write_configs(bench);
  for (const std::string& command : kCommands) {
    CAPTURE(command);
    std::vector<std::string> words = words_of(command, command);
    words.emplace_back("--no-cache");  // trainings lie in the folder, too
    REQUIRE(bench.ohmic(words).status == 0);
    const std::string results = bench.path(command + "/results.h5");
    std::filesystem::copy_file(results, bench.path(command + ".h5"));
    std::filesystem::copy(bench.path(command), bench.path(command + "-whole"),
                          std::filesystem::copy_options::recursive);
    for (const std::string& file : files_below(bench.path(command + "-whole"))) {
      const std::string name = file.substr(bench.path(command + "-whole").size());
      if (!name.ends_with(".h5") && !name.ends_with("config.toml")) continue;
      const std::string whole = read_whole_file(file);
      std::vector<std::size_t> sizes{whole.size() / 2, 0, whole.size() - 1, 100, 1};
      sizes.resize(static_cast<std::size_t>(std::clamp(repeats(5), 1, 5)));
      for (const std::size_t size : sizes) {
        CAPTURE(name);
        CAPTURE(size);
        std::filesystem::remove_all(bench.path(command));
        std::filesystem::copy(bench.path(command + "-whole"), bench.path(command),
                              std::filesystem::copy_options::recursive);
        std::ofstream(bench.path(command) + name, std::ios::binary)
            << whole.substr(0, std::min(size, whole.size()));
        // Cut before the results came, unless it is they that are cut.
        if (name != "/results.h5") std::filesystem::remove(results);
        const Said said = bench.ohmic(words);
        CAPTURE(said.log);
        REQUIRE(said.status == 0);
        REQUIRE(first_difference(bench.path(command + ".h5"), results) == "");
      }
    }
  }
}

TEST_CASE("kill -9 in run, train, compare and search: the same bits, nothing of the dead left") {
  const int wanted = repeats(6);
  const Workbench bench("kill");
  write_configs(bench);
  std::mt19937 moments(11);
  for (const std::string& command : kCommands) {
    CAPTURE(command);
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(Process(bench, words_of(command, command + "-whole")).wait() == 0);
    const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
    const std::vector<std::string> kept = files_below(bench.path(command + "-whole"));
    int kills = 0;
    for (int attempt = 0; kills < wanted && attempt < 10 * wanted; ++attempt) {
      std::filesystem::remove_all(bench.path(command));
      std::filesystem::remove_all(bench.path("cache"));
      Process process(bench, words_of(command, command));
      std::this_thread::sleep_for(whole * (static_cast<double>(moments()) / 4294967296.0));
      if (!process.kill()) continue;
      ++kills;
      const Said said = bench.ohmic(words_of(command, command));
      CAPTURE(said.log);
      REQUIRE(said.status == 0);
      REQUIRE(first_difference(bench.path(command + "-whole/results.h5"),
                               bench.path(command + "/results.h5")) == "");
      CHECK(files_below(bench.path(command)).size() == kept.size());
      for (const std::string& file : files_below(bench.path("cache")))
        CHECK(file.find(".tmp-") == file.npos);
    }
    CHECK(kills == wanted);
  }
}

TEST_CASE("temporary files of dead processes of this host go, those of others stay") {
  const Workbench bench("leftovers");
  write_configs(bench);
  pid_t dead;
  {
    Process process(bench, {"info"});
    dead = process.id();
    process.wait();
  }
  const auto name_of = [](const std::string& file, pid_t process) {
    std::string name = temporary_name(file).string();
    const std::string own = "-" + std::to_string(getpid()) + "-";
    return name.replace(name.rfind(own), own.size(), "-" + std::to_string(process) + "-");
  };
  for (const char* folder : {"compare", "compare/points", "cache"})
    std::filesystem::create_directories(bench.path(folder));
  for (const char* place : {"compare/results.h5", "compare/points/a.h5", "cache/b.h5"}) {
    std::ofstream(name_of(bench.path(place), dead)) << "half";
    std::ofstream(name_of(bench.path(place), getpid())) << "of a living one";
    std::ofstream(bench.path(place) + ".tmp-far_away-1-99-00000000") << "of another host";
  }
  REQUIRE(bench.ohmic(words_of("compare", "compare")).status == 0);
  for (const char* folder : {"compare", "compare/points", "cache"}) {
    CAPTURE(folder);
    int temporary = 0;
    for (const auto& entry : std::filesystem::directory_iterator(bench.path(folder)))
      temporary += entry.path().string().find(".tmp-") != std::string::npos;
    CHECK(temporary == 2);
  }
}

TEST_CASE("of two processes of different configs in one folder, the second is refused") {
  const Workbench bench("two");
  write_configs(bench);
  for (const std::string& command : kCommands) {
    CAPTURE(command);
    const std::string other = command == "train" ? "training.seed=7" : "seed=7";
    std::vector<std::string> second = words_of(command, command);
    second.insert(second.end(), {"--set", other});
    for (int round = 0; round < 3; ++round) {
      std::filesystem::remove_all(bench.path(command));
      Process a(bench, words_of(command, command)), b(bench, second);
      const int one = a.wait(), two = b.wait();
      CHECK((one == 0) != (two == 0));
      CHECK(std::max(one, two) == lab::kUsage);
      // The winner's results are there, and its folder is let go.
      CHECK(
          bench.ohmic(one == 0 ? words_of(command, command) : second).out.find("is done already") !=
          std::string::npos);
      CHECK_FALSE(bench.has(command + "/ohmic.lock"));
    }
  }
}

TEST_CASE(
    "anything that is not a regular file in the place of a lock hangs no command: one line names "
    "it") {
  const Workbench bench("no-lock");
  write_configs(bench);
  bench.write_matrix("w.npy", 3, 4, 1);
  std::filesystem::create_directories(bench.path("out"));
  std::vector<std::vector<std::string>> commands{
      {"mvm", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/out/y.npy"}};
  for (const std::string& command : kCommands) commands.push_back(words_of(command, "out"));
  for (const auto& words : commands) {
    const std::string name = words.front() == "mvm" ? "out/y.npy.lock" : "out/ohmic.lock",
                      file = bench.path(name);
    REQUIRE(mkfifo(file.c_str(), 0666) == 0);
    check_refused(bench, words, lab::kFiles,
                  "~/" + name + ": is not a regular file (a pipe or a device)");
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    check_refused(bench, words, lab::kFiles, "~/" + name + ": is a folder, expected a file");
    std::filesystem::remove(file);
    std::filesystem::create_symlink("nowhere", file);
    check_refused(bench, words, lab::kFiles,
                  "~/" + name + ": is a link to a file that is not there");
    std::filesystem::remove(file);
  }
}

TEST_CASE("a folder that is held names its process; one of a dead process is taken over at once") {
  const Workbench bench("held");
  write_configs(bench);
  std::filesystem::create_directories(bench.path("run"));
  {
    const auto held = lab::FolderLock::take(bench.path("run/ohmic.lock"));
    REQUIRE(held);
    check_refused(bench, words_of("run", "run"), lab::kUsage,
                  "~/run: another command in this folder is being run by process " +
                      std::to_string(getpid()) + " on ...");
    bench.write("sweep.toml",
                kTinyConfig + "[sweep]\naxes = [ { key = \"adc.bits\", values = [4] } ]\n");
    CHECK(bench.ohmic(words_of("sweep", "run")).status == lab::kUsage);
  }
  Process process(bench, {"run", "~/run.toml", "-o", "~/killed", "--set", "chips=20000"});
  while (!bench.has("killed/ohmic.lock")) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  REQUIRE(process.kill());
  REQUIRE(bench.has("killed/ohmic.lock"));
  CHECK(bench.ohmic(words_of("run", "killed")).status == 0);
  CHECK_FALSE(bench.has("killed/ohmic.lock"));
}
