#pragma once

namespace ohmic::lab {

/// From now on Ctrl-C (SIGINT) and SIGTERM are noted instead of ending the program; a second one
/// ends it.
void watch_for_interrupts();
/// True once one came.
bool interrupted();
/// Throws Interrupted with `how_to_go_on` if one came.
void stop_if_interrupted(const char* how_to_go_on);

}  // namespace ohmic::lab
