#include "io/shown_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace ohmic {

std::size_t utf8_width(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  const std::size_t width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < width; ++i)
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
  const unsigned second = byte(1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_no_number = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return is_overlong || is_no_number ? 0 : width;
}

namespace {

std::string shown_line(std::string_view line, std::size_t most) {
  std::vector<std::string> characters;
  while (!line.empty()) {
    const std::size_t width = utf8_width(line);
    const auto first = static_cast<unsigned char>(line.front());
    if (width == 0 || (first < 0x20 && first != '\t') || first == 0x7f)
      characters.push_back(fmt::format("\\x{:02x}", first));
    else
      characters.emplace_back(line.substr(0, width));
    line.remove_prefix(std::max<std::size_t>(width, 1));
  }
  std::string out;
  const std::size_t tail = most / 3;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (characters.size() > most && i == most - tail) {
      out += " ... ";
      i = characters.size() - tail;
    }
    out += characters[i];
  }
  return out;
}

}  // namespace

std::string shown(std::string_view text, std::size_t most) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find('\n');
    out += shown_line(text.substr(0, end), most);
    if (end == text.npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace ohmic
