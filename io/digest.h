#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ohmic {

/// A name for contents: equal bytes, equal digest (XXH3, 128 bits, as 32 hexadecimal digits in
/// canonical order). It tells contents apart and finds damage; it is not a guard against forgery.
std::string digest(std::string_view bytes);

/// The same of bytes that come piece by piece.
class DigestStream {
 public:
  DigestStream();
  ~DigestStream();
  DigestStream(const DigestStream&) = delete;
  DigestStream& operator=(const DigestStream&) = delete;
  void add(std::string_view bytes);
  /// Of all that was added so far.
  std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ohmic
