#include "base/kernels.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "base/kernels_levels.h"

namespace ohmic {
namespace {

struct Level {
  std::string_view name;
  bool present;
  Kernels (*table)();
};

/// Best first.
std::vector<Level> levels() {
#if OHMIC_PROCESSOR_X86
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd");
  return {{"v4", v4, kernels_v4}, {"v3", v3, kernels_v3}, {"v2", v2, kernels_v2}};
#else
  return {{"generic", true, kernels_generic}};
#endif
}

Kernels best() {
  for (const Level& level : levels())
    if (level.present) return level.table();
  throw ConfigError("this processor has none of the instruction-set levels of this build");
}

Kernels& chosen() {
  static Kernels table = best();
  return table;
}

}  // namespace

const Kernels& kernels() { return chosen(); }

void choose_kernels(std::string_view name) {
  std::string known;
  for (const Level& level : levels()) {
    known += (known.empty() ? "" : ", ") + std::string(level.name);
    if (level.name != name) continue;
    if (!level.present)
      throw ConfigError("--isa " + std::string(name) + ": this processor does not have that level");
    chosen() = level.table();
    return;
  }
  throw ConfigError("--isa " + std::string(name) + ": no such level; this build has " + known);
}

std::string_view arithmetic_name() {
  const std::string_view level = kernels().level;
  return level == "v3" || level == "v4" ? "fused" : level;
}

}  // namespace ohmic
