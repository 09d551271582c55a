#include "base/digest.h"

#include <doctest/doctest.h>

using ohmic::digest;

TEST_CASE("a digest is the RFC 4122 name of the bytes") {
  // Python: uuid.uuid5(uuid.NAMESPACE_OID, "abc").hex
  CHECK(digest("abc") == "7697a46fb2835da38e7c62c11c03dd9e");
  CHECK(digest("") == "0a68eb57c88a5f349e9d27f85e68af4f");
  CHECK(digest(std::string_view("a\0b", 3)) != digest("a"));
}
