#include "base/interrupt.h"

#include <array>
#include <atomic>
#include <csignal>

#include "base/error.h"

namespace ohmic {
namespace {

struct Watched {
  int signal;
  struct sigaction before;
};
std::array<Watched, 2> watched{{{SIGINT, {}}, {SIGTERM, {}}}};
int watches = 0;

// Lock-free, so that a handler may write it whichever thread the signal meets.
std::atomic<int> came = 0;
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
  came = signal;
  for (const Watched& one : watched)
    if (one.signal == signal) sigaction(signal, &one.before, nullptr);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  if (watches++ > 0) return;
  came = 0;
  struct sigaction noting = {};
  noting.sa_handler = note;
  noting.sa_flags = SA_RESTART;
  for (Watched& one : watched) sigaction(one.signal, nullptr, &one.before);
  for (const Watched& one : watched) sigaction(one.signal, &noting, nullptr);
}

InterruptWatch::~InterruptWatch() {
  if (--watches > 0) return;
  for (const Watched& one : watched) sigaction(one.signal, &one.before, nullptr);
}

int interrupting_signal() { return came; }

bool interrupted() { return came != 0; }

void stop_if_interrupted(const char* how_to_go_on) {
  if (interrupted()) throw Interrupted(how_to_go_on);
}

}  // namespace ohmic
