#pragma once

#include <string>
#include <string_view>

namespace ohmic {

/// A name for contents: equal bytes, equal digest (SHA-1 based UUID, RFC 4122 version 5, as 32
/// hexadecimal digits).
std::string digest(std::string_view bytes);

}  // namespace ohmic
