#include "bench/base_peak.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace ohmic::bench {
namespace {

constexpr int kRounds = 100000;

// Each chain waits four or five cycles for itself, and two begin in every cycle: twelve hide it.
#if defined(__x86_64__)
#define OHMIC_CHAINS                                                                 \
  "vfmadd213ps %13, %12, %0\n vfmadd213ps %13, %12, %1\n vfmadd213ps %13, %12, %2\n" \
  "vfmadd213ps %13, %12, %3\n vfmadd213ps %13, %12, %4\n vfmadd213ps %13, %12, %5\n" \
  "vfmadd213ps %13, %12, %6\n vfmadd213ps %13, %12, %7\n vfmadd213ps %13, %12, %8\n" \
  "vfmadd213ps %13, %12, %9\n vfmadd213ps %13, %12, %10\n vfmadd213ps %13, %12, %11"

__attribute__((target("avx512f"))) double chains_of_16() {
  __m512 s0 = _mm512_set1_ps(1), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0,
         s8 = s0, s9 = s0, s10 = s0, s11 = s0;
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (int i = 0; i < kRounds; ++i) {
    asm volatile(OHMIC_CHAINS
                 : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7),
                   "+v"(s8), "+v"(s9), "+v"(s10), "+v"(s11)
                 : "v"(a), "v"(b));
  }
  return 12.0 * 16 * kRounds;
}
__attribute__((target("fma"))) double chains_of_8() {
  __m256 s0 = _mm256_set1_ps(1), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0,
         s8 = s0, s9 = s0, s10 = s0, s11 = s0;
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (int i = 0; i < kRounds; ++i) {
    asm volatile(OHMIC_CHAINS
                 : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3), "+x"(s4), "+x"(s5), "+x"(s6), "+x"(s7),
                   "+x"(s8), "+x"(s9), "+x"(s10), "+x"(s11)
                 : "x"(a), "x"(b));
  }
  return 12.0 * 8 * kRounds;
}
double chains() { return __builtin_cpu_supports("avx512f") ? chains_of_16() : chains_of_8(); }
#else
double chains() {
  float s[12] = {};
  for (int i = 0; i < kRounds; ++i)
    for (float& sum : s) {
      sum = __builtin_fmaf(0.999f, sum, 1e-3f);
      asm volatile("" : "+r"(sum));
    }
  return 12.0 * kRounds;
}
#endif

}  // namespace

double peak_macs(int threads) {
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    std::vector<double> rates(static_cast<std::size_t>(threads));
    std::vector<std::thread> team;
    for (double& rate : rates)
      team.emplace_back([&rate] {
        const auto start = std::chrono::steady_clock::now();
        const double macs = chains();
        rate =
            macs / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      });
    double sum = 0;
    for (std::thread& worker : team) worker.join();
    for (const double rate : rates) sum += rate;
    best = std::max(best, sum);
  }
  return best;
}

}  // namespace ohmic::bench
