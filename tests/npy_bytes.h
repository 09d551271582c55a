#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "base/matrix.h"

namespace ohmic::testing {

/// A .npy file's bytes before its numbers; `type` as numpy spells it ("|u1").
inline std::string npy_header(const std::string& type, const std::vector<Index>& shape,
                              bool fortran_order = false) {
  std::string words;
  for (const Index size : shape) words += std::to_string(size) + ", ";
  const std::string header = "{'descr': '" + type +
                             "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                             ", 'shape': (" + words + "), }";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header;
}

/// The whole file of numbers that lie as they are given.
template <class T>
std::string npy_bytes(const std::vector<Index>& shape, const std::vector<T>& values,
                      bool fortran_order = false) {
  const std::string kind = std::is_floating_point_v<T> ? "f" : std::is_signed_v<T> ? "i" : "u";
  return npy_header((sizeof(T) == 1 ? "|" : "<") + kind + std::to_string(sizeof(T)), shape,
                    fortran_order) +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

}  // namespace ohmic::testing
