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

/// The number that 16 bits hold as bfloat16: the upper half of a float.
inline float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace ohmic
