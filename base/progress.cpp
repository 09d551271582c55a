#include "base/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace ohmic {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{100};
constexpr std::size_t kUsualWidth = 80;

void put(const std::string& text) {
  // Beside the log, a progress line that could not be written is no loss.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualWidth;
}

}  // namespace

Progress::Progress(std::string label, std::int64_t total, bool quiet, std::string unit)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      visible_(!quiet && ::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_drawn_(start_ - kBetweenDraws) {}

Progress::~Progress() {
  if (visible_) put("\r\033[K");
}

void Progress::begin_at(std::int64_t done) {
  const std::lock_guard guard(lock_);
  done_ = before_ = done;
}

void Progress::advance(std::int64_t steps) {
  const std::lock_guard guard(lock_);
  done_ += steps;
  draw();
}

void Progress::advance(std::int64_t steps, const std::string& words) {
  const std::lock_guard guard(lock_);
  done_ += steps;
  note_ = words;
  draw();
}

void Progress::note(const std::string& words) {
  const std::lock_guard guard(lock_);
  note_ = words;
  draw();
}

void Progress::draw() {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || now - last_drawn_ < kBetweenDraws) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double done = static_cast<double>(done_), total = static_cast<double>(total_);
  std::string line = label_;
  if (total_ > 0) line += fmt::format("  {:3.0f} %", 100 * std::min(1.0, done / total));
  if (const double now_done = static_cast<double>(done_ - before_); now_done > 0 && seconds > 0) {
    const double rate = now_done / seconds;
    line += fmt::format("  {}{}{}/s",
                        rate < 1000 ? fmt::format("{:.3g}", rate) : fmt::format("{:.0f}", rate),
                        unit_.empty() ? "" : " ", unit_);
    if (total_ > done_) line += "  " + human_time((total - done) / rate) + " left";
  }
  if (!note_.empty()) line += "  " + note_;
  // A line that wraps could not be wiped.
  line.resize(std::min(line.size(), terminal_width() - 1));
  put("\r" + line + "\033[K");
}

std::string human_time(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 59.5) return fmt::format("{:.0f} s", seconds);
  if (seconds > 1e9) return "years";
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace ohmic
