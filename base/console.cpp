#include "base/console.h"

namespace ohmic {

std::string grouped(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string per_cent(double fraction, int digits) {
  return fmt::format("{:.{}f}", 100 * fraction, digits);
}

void tell(const std::vector<std::string>& notes, const Console& console) {
  for (const std::string& note : notes) console.say("note: {}\n", note);
}

}  // namespace ohmic
