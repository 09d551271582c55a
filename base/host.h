#pragma once

#include <string>

/// Where this process runs, in words that tell it from others.
namespace ohmic {

/// The host's name; "unknown" where it has none.
std::string host_name();
/// Number of the space within which a process number means one process ("0" where the system does
/// not say): containers on one host have spaces of their own.
std::string process_space();
/// The machine's memory [bytes].
double machine_memory();

}  // namespace ohmic
