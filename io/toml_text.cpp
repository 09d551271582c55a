#include "io/toml_text.h"

#include <utility>

#include "base/error.h"
#include "io/shown_text.h"

namespace ohmic {
namespace {

/// Where in a TOML text a reader stands.
enum class Place { plain, comment, string, literal, long_string, long_literal };

class Scanner {
 public:
  Scanner(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void run() {
    while (at_ < text_.size()) {
      const std::size_t width = utf8_width(text_.substr(at_));
      if (width == 0) fail("is not TOML: a byte that is not UTF-8; save the file as UTF-8");
      if (width > 1 && place_ == Place::plain)
        fail("is not TOML: '" + std::string(text_.substr(at_, width)) +
             "' stands outside of strings and comments, where TOML knows ASCII only");
      step(width);
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ConfigError(name_ + ":" + std::to_string(line_) + ":" + std::to_string(column_) + ": " +
                      what);
  }
  bool is_next(std::string_view word) const { return text_.substr(at_).starts_with(word); }
  void move(std::size_t bytes) {
    at_ += bytes;
    ++column_;
  }

  void step(std::size_t width) {
    const char c = text_[at_];
    const bool is_long = place_ == Place::long_string || place_ == Place::long_literal;
    if (c == '\n') {
      if (!is_long) place_ = Place::plain;  // only long strings go on
      dots_ = 0;
      ++at_;
      ++line_;
      column_ = 1;
    } else if (place_ == Place::plain) {
      plain(c);
    } else if ((place_ == Place::string || place_ == Place::long_string) && c == '\\' &&
               at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
      move(1 + utf8_width(text_.substr(at_ + 1)));  // 0: a byte that is not UTF-8 comes next
    } else if (is_next(closing())) {
      move(closing().size());
      place_ = Place::plain;
    } else {
      move(width);
    }
  }

  /// What ends the string or comment here; a comment ends with its line.
  std::string_view closing() const {
    switch (place_) {
      case Place::string:
        return "\"";
      case Place::literal:
        return "'";
      case Place::long_string:
        return "\"\"\"";
      case Place::long_literal:
        return "'''";
      default:
        return "\n";
    }
  }

  void plain(char c) {
    if (c == '#') place_ = Place::comment;
    if (c == '.' && ++dots_ >= kMostKeyParts)
      fail("a key of more than " + std::to_string(kMostKeyParts) + " parts");
    // What separates keys from each other and from values.
    if (std::string_view("=,[]{}").find(c) != std::string_view::npos) dots_ = 0;
    for (const Place inside :
         {Place::long_string, Place::long_literal, Place::string, Place::literal}) {
      const Place before = std::exchange(place_, inside);
      if (before == Place::plain && is_next(closing())) return move(closing().size());
      place_ = before;
    }
    move(1);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1, column_ = 1, dots_ = 0;
  Place place_ = Place::plain;
};

}  // namespace

void check_toml_text(std::string_view text, const std::string& name) { Scanner(text, name).run(); }

}  // namespace ohmic
