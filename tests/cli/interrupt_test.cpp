#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "base/interrupt.h"
#include "cli/same_results.h"
#include "cli/workbench.h"
#include "nn/checkpoint.h"

/// Ctrl-C: the last checkpoint stays, the message says how to go on, and the same command ends with
/// the same bits.
namespace ohmic {
namespace {

using testing::first_difference;
using testing::Workbench;

/// Whether a run's first line says that it goes on after that epoch of four.
bool resumes_after(const testing::Said& said, int epoch) {
  const std::string line = said.log.substr(0, said.log.find('\n'));
  return line.starts_with("resuming the training") &&
         line.ends_with("after epoch " + std::to_string(epoch) + " of 4");
}

TEST_CASE("an interrupted training resumes with the same command and ends with the same bits") {
  for (const std::string command : {"run", "train"})
    for (const bool cached : {false, true}) {
      CAPTURE(command);
      CAPTURE(cached);
      const Workbench bench("interrupt");
      const auto words = [&](const std::string& folder) {
        std::vector<std::string> all{command,       "~/tiny.toml", "-o",
                                     "~/" + folder, "--set",       "training.epochs=4"};
        if (!cached) all.push_back("--no-cache");
        return all;
      };
      REQUIRE(bench.ohmic(words("whole")).status == lab::kDone);
      std::filesystem::remove_all(bench.path("cache"));

      // Ctrl-C right after the second epoch's line
      auto said = bench.ohmic(words("stopped"), "epoch   2 of 4");
      CHECK(said.status == lab::kInterrupted);
      const std::string last = said.log.substr(said.log.rfind("ohmic: "));
      CHECK(
          last.starts_with("ohmic: training stopped in epoch 3 of 4 after 0 of its 3 steps; the "
                           "same command goes on "
                           "from ~/"));
      CHECK_FALSE(bench.has("stopped/results.h5"));
      const std::string kept =
          last.substr(last.rfind("~/") + 2, last.size() - last.rfind("~/") - 3);
      REQUIRE(bench.has(kept));
      CHECK(nn::load_checkpoint(bench.path(kept)).state.epoch == 2);

      // and again one epoch later
      said = bench.ohmic(words("stopped"), "epoch   3 of 4");
      CHECK(said.status == lab::kInterrupted);
      CHECK(resumes_after(said, 2));

      said = bench.ohmic(words("stopped"));
      CHECK(said.status == lab::kDone);
      CHECK(resumes_after(said, 3));
      CHECK(first_difference(bench.path("whole/results.h5"), bench.path("stopped/results.h5")) ==
            "");
      if (command == "train")
        CHECK(first_difference(bench.path("whole/network.h5"), bench.path("stopped/network.h5")) ==
              "");
    }
}

TEST_CASE("an interrupted measurement keeps the network and says so") {
  const Workbench bench("interrupt-chips");
  const std::vector<std::string> words{"run", "~/tiny.toml", "-o", "~/out"};
  auto said = bench.ohmic(words, "hardware  ");
  CHECK(said.status == lab::kInterrupted);
  CHECK(said.log.find(
            "ohmic: interrupted; the trained network is kept: the same command goes on from it") !=
        std::string::npos);
  CHECK_FALSE(bench.has("out/results.h5"));
  said = bench.ohmic(words);
  CHECK(said.status == lab::kDone);
  CHECK(said.out.find("; from ~/cache/") != std::string::npos);
}

TEST_CASE("an interruption at any moment of a training costs no bit") {
  const Workbench bench("interrupt-anywhere");
  const auto words = [](const std::string& folder) {
    return std::vector<std::string>{"train",
                                    "~/tiny.toml",
                                    "-o",
                                    "~/" + folder,
                                    "--no-cache",
                                    "--set",
                                    "training.epochs=300",
                                    "--set",
                                    "training.checkpoint_every_epochs=50"};
  };
  REQUIRE(bench.ohmic(words("whole")).status == lab::kDone);
  // The signal comes from another thread, somewhere inside an epoch; the first line says that it is
  // watched for.
  int stops = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::thread finger;
    struct Watcher final : std::stringbuf {
      std::thread* finger = nullptr;
      std::streamsize xsputn(const char* text, std::streamsize count) override {
        if (!finger->joinable())
          *finger = std::thread([] {
            std::this_thread::sleep_for(std::chrono::milliseconds(3));
            std::raise(SIGINT);
          });
        return std::stringbuf::xsputn(text, count);
      }
    } watcher;
    watcher.finger = &finger;
    std::signal(SIGINT, SIG_IGN);  // should the training end before the signal comes
    std::ostream log(&watcher), out(&watcher);
    std::vector<std::string> line = words("stopped");
    for (std::string& word : line)
      if (word.starts_with("~/")) word = bench.path(word.substr(2));
    const int status = lab::program(line, out, log);
    if (finger.joinable()) finger.join();
    std::signal(SIGINT, SIG_DFL);
    if (status == lab::kDone) break;
    REQUIRE(status == lab::kInterrupted);
    ++stops;
  }
  CHECK(stops > 0);
  if (!bench.has("stopped/results.h5")) REQUIRE(bench.ohmic(words("stopped")).status == lab::kDone);
  CHECK(first_difference(bench.path("whole/results.h5"), bench.path("stopped/results.h5")) == "");
}

TEST_CASE("after a command the handlers of before are back, whatever its end") {
  const Workbench bench("handlers");
  static int met = 0;
  const auto own = [](int signal) { met = signal; };
  const auto before_int = std::signal(SIGINT, own), before_term = std::signal(SIGTERM, own);
  const std::vector<std::string> words{"train", "~/tiny.toml", "-o", "~/out", "--force"};
  const auto check_back = [&] {
    for (const int signal : {SIGINT, SIGTERM}) {
      met = 0;
      std::raise(signal);
      CHECK(met == signal);
    }
  };
  CHECK(bench.ohmic(words).status == lab::kDone);
  check_back();
  auto refused = words;
  refused.insert(refused.end(), {"--set", "network.layers=[]"});
  CHECK(bench.ohmic(refused).status == lab::kUsage);
  check_back();
  met = 0;
  auto other = words;
  other.insert(other.end(), {"--set", "training.epochs=4"});
  CHECK(bench.ohmic(other, "epoch   2 of 4").status == lab::kInterrupted);
  CHECK(met == 0);  // the command's own
  check_back();
  std::signal(SIGINT, before_int);
  std::signal(SIGTERM, before_term);
}

TEST_CASE("of watches that nest the outermost counts, and a second signal is not held back") {
  static int met = 0;
  const auto before = std::signal(SIGINT, [](int signal) { met = signal; });
  met = 0;
  {
    const InterruptWatch outer;
    CHECK_FALSE(interrupted());
    std::raise(SIGINT);
    {
      const InterruptWatch inner;
      CHECK(interrupting_signal() == SIGINT);  // not forgotten
      CHECK_THROWS_AS(stop_if_interrupted("stop"), Interrupted);
    }
    CHECK(met == 0);
    std::raise(SIGINT);
    CHECK(met == SIGINT);
  }
  CHECK(interrupting_signal() == SIGINT);
  {
    const InterruptWatch next;
    CHECK_FALSE(interrupted());
  }
  std::signal(SIGINT, before);
}

}  // namespace
}  // namespace ohmic
