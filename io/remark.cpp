#include "io/remark.h"

#include <mutex>
#include <utility>

namespace ohmic {

namespace {

// The one exception to "no globals": a remark crosses layers that have no console and should not.
std::mutex& lock() {
  static std::mutex one;
  return one;
}
RemarkListener*& innermost() {
  static RemarkListener* one = nullptr;
  return one;
}

}  // namespace

RemarkListener::RemarkListener(std::function<void(const std::string&)> hear)
    : hear_(std::move(hear)) {
  const std::lock_guard guard(lock());
  outer_ = std::exchange(innermost(), this);
}

RemarkListener::~RemarkListener() {
  const std::lock_guard guard(lock());
  innermost() = outer_;
}

void remark(const std::string& line) {
  const std::lock_guard guard(lock());
  RemarkListener* listener = innermost();
  if (listener && listener->heard_.insert(line).second) listener->hear_(line);
}

}  // namespace ohmic
