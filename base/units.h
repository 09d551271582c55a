#pragma once

/// Factors from the units of config keys to SI. Inside the program every quantity is SI.
namespace ohmic::units {

inline constexpr double kMicrosiemens = 1e-6;  // [S]
inline constexpr double kMicroamperes = 1e-6;  // [A]
inline constexpr double kMicroseconds = 1e-6;  // [s]
inline constexpr double kNanoseconds = 1e-9;   // [s]
inline constexpr double kPicojoules = 1e-12;   // [J]

}  // namespace ohmic::units
