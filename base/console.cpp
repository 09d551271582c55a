#include "base/console.h"

#include <cmath>

namespace ohmic {

std::string grouped(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string count_of(std::int64_t count, const std::string& one) {
  return grouped(count) + " " + one + (count == 1 ? "" : "s");
}

std::string per_cent(double fraction, int digits) {
  return fmt::format("{:.{}f}", 100 * fraction, digits);
}

void tell(const std::vector<std::string>& notes, const Console& console) {
  for (const std::string& note : notes) console.say("note: {}\n", note);
}

namespace {

std::string range_words(const Interval& i, const std::string& low, const std::string& high) {
  if (std::isnan(i.low) && std::isnan(i.high)) return "-";
  if (std::isnan(i.low)) return "up to " + high;
  return std::isnan(i.high) ? "from " + low : low + " .. " + high;
}

}  // namespace

std::string per_cent_range(const Interval& i) {
  return range_words(i, per_cent(i.low), per_cent(i.high));
}

std::string points_range(const Interval& i) {
  return range_words(i, fmt::format("{:+.2f}", 100 * i.low), fmt::format("{:+.2f}", 100 * i.high));
}

}  // namespace ohmic
