#pragma once

#include <cstdlib>

namespace ohmic::testing {

/// How often a test repeats what takes long (kills, cuts, chips): `usual`, or what OHMIC_REPEATS
/// says. Under sanitisers .ci/run asks for few repeats, and .ci/lint for all.
inline int repeats(int usual) {
  const char* wanted = std::getenv("OHMIC_REPEATS");
  return wanted ? std::atoi(wanted) : usual;
}

}  // namespace ohmic::testing
