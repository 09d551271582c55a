#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/kernels.h"

namespace ohmic::testing {

/// Levels that this processor has; the last of them is in use afterwards.
inline std::vector<std::string_view> present_levels() {
  std::vector<std::string_view> found;
  for (const std::string_view level : {"v2", "v3", "v4", "generic"}) {
    try {
      choose_kernels(level);
      found.push_back(level);
    } catch (const ConfigError&) {
    }
  }
  return found;
}

/// The kernels of a precision.
template <class T>
const KernelsOf<T>& of(const Kernels& k) {
  if constexpr (std::is_same_v<T, float>)
    return k.f32;
  else
    return k.f64;
}

}  // namespace ohmic::testing
