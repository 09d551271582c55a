#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <vector>

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
/// "0.1234" -> "12.34": a fraction in per cent.
std::string per_cent(double fraction, int digits = 2);

}  // namespace ohmic
