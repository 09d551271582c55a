#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace ohmic {

/// A line on stderr: label, fraction done, rate (in `unit`) and time left. Silent when stderr is
/// not a terminal or it was told to be quiet. advance() may be called from any thread; the line is
/// drawn at most ten times a second and wiped at the end.
class Progress {
 public:
  Progress(std::string label, std::int64_t total, bool quiet = false, std::string unit = "");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// What was done before, which counts in no rate.
  void begin_at(std::int64_t done);
  void advance(std::int64_t steps = 1);
  /// The same, and words after the bar.
  void advance(std::int64_t steps, const std::string& words);
  bool is_visible() const { return visible_; }
  /// Words after the bar ("loss 0.31").
  void note(const std::string& words);

 private:
  void draw();
  std::string label_, unit_, note_;
  std::int64_t total_, done_ = 0, before_ = 0;
  bool visible_;
  std::chrono::steady_clock::time_point start_, last_drawn_;
  std::mutex lock_;
};

/// "1 min 20 s", "3.4 s", "12 ms".
std::string human_time(double seconds);

}  // namespace ohmic
