#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ohmic {

/// The number that 16 bits hold as IEEE 754 binary16.
inline float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float value = std::ldexp(static_cast<float>(exponent == 0 ? mantissa : 1024 + mantissa),
                           (exponent == 0 ? 1 : exponent) - 25);
  if (exponent == 31)
    value = mantissa == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  return bits >> 15 ? -value : value;
}

/// The binary16 nearest to a finite number, ties to even: infinity from 65,520 on.
inline std::uint16_t to_half(float value) {
  constexpr std::uint32_t kSmallestNormal = 0x38800000, kBeyond = 0x47800000;  // 2^-14, 2^16
  auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  bits &= 0x7fffffff;
  std::uint32_t half = 0x7c00;
  if (bits < kSmallestNormal)
    half = static_cast<std::uint32_t>(std::nearbyint(std::fabs(value) * 0x1p24f));
  else if (bits < kBeyond)
    half = (bits + 0xfff + (bits >> 13 & 1) - (112u << 23)) >> 13;
  return static_cast<std::uint16_t>(sign | half);
}

/// The number that 16 bits hold as bfloat16: the upper half of a float.
inline float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace ohmic
