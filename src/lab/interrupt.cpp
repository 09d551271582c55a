#include "lab/interrupt.h"

#include <atomic>
#include <csignal>

#include "base/error.h"

namespace ohmic::lab {
namespace {

// Lock-free, so that a handler may write it whichever thread the signal meets.
std::atomic<int> came = 0;
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
  came = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void watch_for_interrupts() {
  came = 0;
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

bool interrupted() { return came != 0; }

void stop_if_interrupted(const char* how_to_go_on) {
  if (interrupted()) throw Interrupted(how_to_go_on);
}

}  // namespace ohmic::lab
