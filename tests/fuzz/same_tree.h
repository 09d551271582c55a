#pragma once

#include <algorithm>
#include <bit>
#include <cmath>

#include "fuzz/target.h"
#include "io/config.h"

namespace ohmic::fuzz {

/// Whether two trees hold the same, whatever the order of their keys and where they were written.
inline bool is_same(const ConfigNode& a, const ConfigNode& b) {
  if (a.value.index() != b.value.index()) return false;
  if (a.is_table())
    return a.table().size() == b.table().size() &&
           std::all_of(a.table().begin(), a.table().end(), [&](const auto& child) {
             const ConfigNode* other = b.find(child.first);
             return other && is_same(child.second, *other);
           });
  if (a.is_array())
    return std::equal(a.array().begin(), a.array().end(), b.array().begin(), b.array().end(),
                      is_same);
  if (const auto* number = std::get_if<double>(&a.value)) {
    const double other = std::get<double>(b.value);
    return std::isnan(*number)
               ? std::isnan(other)
               : std::bit_cast<std::uint64_t>(*number) == std::bit_cast<std::uint64_t>(other);
  }
  return inline_toml(a) == inline_toml(b);
}

/// Defect unless `tree` as text reads back to the same.
inline void expect_same_as_text(const ConfigNode& tree) {
  if (tree.table().empty()) return;
  const std::string text = to_toml(tree);
  try {
    const ConfigNode back = parse_config(text, "echo");
    expect(is_same(tree, back), "a config reads back to another one:\n" + text);
    expect(to_toml(back) == text, "a config's text changes when it is read back:\n" + text);
  } catch (const ConfigError& error) {
    throw Defect(std::string("a config does not read back: ") + error.what());
  }
}

}  // namespace ohmic::fuzz
