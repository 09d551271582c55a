#include <unistd.h>

#include <cstring>

/// Before anything else runs: a processor below the program's instruction-set level gets one clear
/// line, not a crash.
#if defined(__x86_64__)
namespace {

bool has_level(const char* level) {
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (std::strcmp(level, "x86-64-v2") == 0) return v2;
  if (std::strcmp(level, "x86-64-v3") == 0) return v3;
  if (std::strcmp(level, "x86-64-v4") == 0) return v4;
  return true;
}

__attribute__((constructor(101))) void check_processor() {
  if (has_level(OHMIC_ISA_NAME)) return;
  const char message[] = "ohmic: this build needs a processor of level " OHMIC_ISA_NAME
                         "; build with cmake -DOHMIC_ISA=x86-64-v2 for older ones\n";
  const auto written = write(2, message, sizeof message - 1);
  (void)written;
  _exit(2);
}

}  // namespace
#endif
