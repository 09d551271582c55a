#pragma once

#include <string>

namespace ohmic::lab {

/// Text for the inside of an element or of a quoted attribute of HTML and SVG.
std::string escaped(const std::string& text);

}  // namespace ohmic::lab
