#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "io/config.h"
#include "io/fields.h"

namespace ohmic::testing {

/// Other values that a key may take, by its range and default.
inline std::vector<std::string> candidates(const FieldManual& key) {
  std::vector<std::string> out;
  if (key.range.starts_with("one of ")) {
    std::string words = key.range.substr(7) + ", ";
    for (std::size_t at; (at = words.find(", ")) != words.npos; words.erase(0, at + 2))
      if (at > 0) out.push_back('"' + words.substr(0, at) + '"');
    return out;
  }
  if (key.default_value == "true") return {"false"};
  if (key.default_value == "false") return {"true"};
  char* end = nullptr;
  const double value = std::strtod(key.default_value.c_str(), &end);
  const bool is_number = end != key.default_value.c_str() && *end == '\0';
  if (is_number)
    for (const double other : {value + 1, value - 1, value * 1.25, value * 0.5, value + 0.125})
      if (other != value) out.push_back(shortest(other));
  for (const char* other : {"1", "2", "3", "5", "0.25", "20", "0.5", "0.75"})
    out.emplace_back(other);
  return out;
}

}  // namespace ohmic::testing
