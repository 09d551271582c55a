#pragma once

#include <string>
#include <string_view>

/// Text of files and command lines, fit to be shown on a terminal.
namespace ohmic {

/// Bytes of the UTF-8 character that `text` begins with; 0 where it begins with none (overlong
/// forms, surrogates and numbers beyond U+10FFFF among them).
std::size_t utf8_width(std::string_view text);

/// `text` with control characters and bytes that are not UTF-8 written out (\x1b), lines and tabs
/// kept, and the middle left out of a line of more than `most` characters.
std::string shown(std::string_view text, std::size_t most = 400);

}  // namespace ohmic
