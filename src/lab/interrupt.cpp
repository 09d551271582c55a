#include "lab/interrupt.h"

#include <csignal>

#include "base/error.h"

namespace ohmic::lab {
namespace {

volatile std::sig_atomic_t came = 0;

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
