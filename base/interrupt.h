#pragma once

namespace ohmic {

/// While one lives, Ctrl-C (SIGINT) and SIGTERM are noted; a second one goes to the handler that
/// had the signal before (by default it ends the program). At its end the handlers of before are
/// back. Watches nest: the outermost one counts. Not for several threads at once.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
};

/// The signal that came since the outermost watch began, 0 for none; kept after its end.
int interrupting_signal();
bool interrupted();
/// Throws Interrupted with `how_to_go_on` if one came.
void stop_if_interrupted(const char* how_to_go_on);

}  // namespace ohmic
