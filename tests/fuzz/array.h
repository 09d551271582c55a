#pragma once

#include <utility>

#include "fuzz/target.h"
#include "io/array_file.h"

namespace ohmic::fuzz {

/// An array as something to compare: its shape, and the bytes of its values, as many as it says.
inline std::pair<std::vector<Index>, std::string> contents(const h5::Array<float>& array) {
  std::size_t count = 1;
  for (const Index size : array.shape) {
    expect(size >= 0, "a shape is negative");
    count *= static_cast<std::size_t>(size);
  }
  expect(count == array.values.size(), "an array's values do not fill its shape");
  return {array.shape, bytes_of(array.values)};
}
/// The same of arrays with names.
inline std::map<std::string, std::pair<std::vector<Index>, std::string>> contents(
    const std::map<std::string, h5::Array<float>>& arrays) {
  std::map<std::string, std::pair<std::vector<Index>, std::string>> all;
  for (const auto& [name, array] : arrays) all.emplace(name, contents(array));
  return all;
}

}  // namespace ohmic::fuzz
