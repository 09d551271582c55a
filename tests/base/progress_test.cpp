#include "base/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

using ohmic::human_time;
using ohmic::Progress;

namespace {

/// What `action` writes to stderr while stderr is a terminal.
template <class Action>
std::string on_terminal(Action action) {
  const int outer = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(outer >= 0);
  REQUIRE(::grantpt(outer) == 0);
  REQUIRE(::unlockpt(outer) == 0);
  const int inner = ::open(::ptsname(outer), O_RDWR | O_NOCTTY);
  REQUIRE(inner >= 0);
  const int old = ::dup(STDERR_FILENO);
  ::dup2(inner, STDERR_FILENO);
  action();
  ::dup2(old, STDERR_FILENO);
  ::close(old);
  ::fcntl(outer, F_SETFL, O_NONBLOCK);
  char buffer[4096];
  std::string written;
  for (ssize_t count; (count = ::read(outer, buffer, sizeof buffer)) > 0;)
    written.append(buffer, static_cast<std::size_t>(count));
  ::close(inner);
  ::close(outer);
  return written;
}

}  // namespace

TEST_CASE("progress draws one line on a terminal and wipes it at the end") {
  const std::string written = on_terminal([] {
    Progress progress("training", 200);
    progress.note("loss 0.31");
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    for (int i = 0; i < 50; ++i) progress.advance();
  });
  CAPTURE(written);
  CHECK(written.find("\rtraining") != written.npos);
  CHECK(written.find("  loss 0.31\033[K") != written.npos);
  CHECK(written.find(" left") != written.npos);
  CHECK(written.find('\n') == written.npos);
  CHECK(written.ends_with("\r\033[K"));
}

TEST_CASE("progress counts in its unit, and what was done before in no rate") {
  const std::string written = on_terminal([] {
    Progress progress("training", 3000000, false, "images");
    progress.begin_at(1000000);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    progress.advance(500000);
  });
  CAPTURE(written);
  CHECK(written.find("\rtraining   50 %  ") != written.npos);
  // Half a million in at least 200 ms, and three times that left.
  const std::size_t rate = written.find(" images/s  ");
  REQUIRE(rate != written.npos);
  const double per_second = std::stod(written.substr(written.rfind(' ', rate - 1)));
  CHECK(per_second <= 2.5e6);
  CHECK(per_second > 1e4);
  CHECK(written.find(" left", rate) != written.npos);
}

TEST_CASE("progress draws at most ten times a second") {
  const std::string written = on_terminal([] {
    Progress progress("fast", 1000000);
    for (int i = 0; i < 1000; ++i) progress.advance();
  });
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = written.find("\rfast", at)) != written.npos; ++at) ++lines;
  CHECK(lines >= 1);
  CHECK(lines <= 10);  // a slow machine may need a second
}

TEST_CASE("progress is silent when it was told to be quiet, or stderr is not a terminal") {
  CHECK(on_terminal([] { Progress("quiet", 10, true).advance(); }) == "");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int old = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  Progress("piped", 10).advance();
  ::dup2(old, STDERR_FILENO);
  ::close(old);
  ::close(ends[1]);
  char byte;
  CHECK(::read(ends[0], &byte, 1) == 0);
  ::close(ends[0]);
}

TEST_CASE("times are written for people") {
  CHECK(human_time(0.012) == "12 ms");
  CHECK(human_time(0.9996) == "1.0 s");
  CHECK(human_time(3.4) == "3.4 s");
  CHECK(human_time(42.3) == "42 s");
  CHECK(human_time(59.7) == "1 min 0 s");
  CHECK(human_time(80) == "1 min 20 s");
  CHECK(human_time(3 * 3600 + 125) == "3 h 2 min");
  CHECK(human_time(-1) == "?");
  CHECK(human_time(1e300) == "years");
}
