#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <vector>

#include "base/statistics.h"

namespace ohmic {

/// Where a command speaks: results to `out`, progress and log to `log` unless it is quiet.
struct Console {
  std::ostream& out;
  std::ostream& log;
  bool quiet = false;
  bool wipes = false;  ///< the log shares a terminal with progress lines: wiped before each text

  template <class... Args>
  void print(fmt::format_string<Args...> format, Args&&... args) const {
    out << fmt::format(format, std::forward<Args>(args)...);
  }
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (!quiet)
      log << (wipes ? "\r\033[K" : "") << fmt::format(format, std::forward<Args>(args)...)
          << std::flush;
  }
};

/// One line each on the log: what the user should know of his config.
void tell(const std::vector<std::string>& notes, const Console& console);

/// "61,706": a count with thousands apart.
std::string grouped(std::int64_t count);
/// "1 chip", "12 chips".
std::string count_of(std::int64_t count, const std::string& one);
/// "0.1234" -> "12.34": a fraction in per cent.
std::string per_cent(double fraction, int digits = 2);
/// "66.83 .. 75.26", "up to 61.90" where the lower bound is unknown, "-" where both are: fractions
/// in per cent.
std::string per_cent_range(const Interval& interval);
/// "-22.07 .. +3.66": differences of fractions in points.
std::string points_range(const Interval& interval);

}  // namespace ohmic
