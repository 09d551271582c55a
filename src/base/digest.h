#pragma once

#include <string>
#include <string_view>

namespace ohmic {

/// A name for contents: equal bytes, equal digest (XXH3, 128 bits, as 32 hexadecimal digits in
/// canonical order). It tells contents apart and finds damage; it is no guard against forgery.
std::string digest(std::string_view bytes);

}  // namespace ohmic
