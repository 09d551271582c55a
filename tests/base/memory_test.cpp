#include "base/memory.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace ohmic {

TEST_CASE("storage is aligned to cache lines, and to huge pages from 4 MiB on") {
  const std::size_t large = std::size_t{1} << 22;
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{100}, large - 1, large, large + 65}) {
    CAPTURE(bytes);
    void* memory = allocate_aligned(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % (bytes < large ? 64 : large / 2) == 0);
    std::memset(memory, 1, bytes);
    free_aligned(memory, bytes);
  }
}

}  // namespace ohmic
