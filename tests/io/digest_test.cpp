#include "io/digest.h"

#include <doctest/doctest.h>

#include <string>

using ohmic::digest;

TEST_CASE("a digest is the XXH3-128 of the bytes") {
  // The empty input's published value; the others by xxhsum -H2 of Debian's xxhash 0.8.1.
  CHECK(digest("") == "99aa06d3014798d86001c324468d497f");
  CHECK(digest("abc") == "06b05ab6733a618578af5f94892f3950");
  CHECK(digest(std::string_view("a\0b", 3)) != digest("a"));
  std::string text(1000, 'x');
  const std::string whole = digest(text);
  text[517] = 'y';
  CHECK(digest(text) != whole);
}
