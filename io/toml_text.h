#pragma once

#include <string>
#include <string_view>

namespace ohmic {

/// Refuses text that the TOML library must not see: bytes that are not UTF-8, characters outside
/// ASCII where neither a string nor a comment stands, and keys of more than kMostKeyParts parts
/// (they nest, and recursion must end). `text` is without its byte-order mark. ConfigError
/// "name:line:column: ...".
void check_toml_text(std::string_view text, const std::string& name);

/// Parts of a dotted key, at most.
inline constexpr int kMostKeyParts = 64;

}  // namespace ohmic
