#include "io/shown_text.h"

#include <doctest/doctest.h>

using ohmic::shown;
using ohmic::utf8_width;

TEST_CASE("what no terminal should see is written out, and long lines lose their middle") {
  CHECK(shown("plain\ttext\nnext") == "plain\ttext\nnext");
  CHECK(shown("\x1b[2J\x07") == "\\x1b[2J\\x07");
  CHECK(shown("a\xff\xc3") == "a\\xff\\xc3");
  CHECK(shown("\xc2\xb5S \xe2\x82\xac") == "\xc2\xb5S \xe2\x82\xac");
  const std::string text = shown("begin" + std::string(100000, 'x') + "end");
  CHECK(text.size() < 500);
  CHECK(text.starts_with("begin"));
  CHECK(text.ends_with("end"));
}

TEST_CASE("UTF-8 is what RFC 3629 says") {
  CHECK(utf8_width("a") == 1);
  CHECK(utf8_width("\xc2\x80") == 2);
  CHECK(utf8_width("\xe0\xa0\x80") == 3);
  CHECK(utf8_width("\xf4\x8f\xbf\xbf") == 4);
  for (const char* bad : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", ""})
    CHECK(utf8_width(bad) == 0);
}
