#pragma once

#include <functional>
#include <set>
#include <string>

/// What a user should know although it is no error: a column that was not read, a header that was
/// skipped. Readers deep in the library make remarks; the command that runs listens.
namespace ohmic {

/// Passes one line on to the innermost listener; without one it is dropped.
void remark(const std::string& line);

/// Hears remarks while it lives, each line once (devices are made several times in a command), from
/// any thread.
class RemarkListener {
 public:
  explicit RemarkListener(std::function<void(const std::string&)> hear);
  ~RemarkListener();
  RemarkListener(const RemarkListener&) = delete;
  RemarkListener& operator=(const RemarkListener&) = delete;

 private:
  RemarkListener* outer_;
  std::function<void(const std::string&)> hear_;
  std::set<std::string> heard_;
  friend void remark(const std::string&);
};

}  // namespace ohmic
