#include "base/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ohmic;

TEST_CASE("every block is visited once, for any number of threads") {
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    CHECK(threads() == n);
    std::vector<std::atomic<int>> visits(101);
    for_each_block(101, [&](Index block) { ++visits[static_cast<std::size_t>(block)]; });
    for (const auto& v : visits) CHECK(v == 1);
  }
  set_threads(0);
}

TEST_CASE("the exception of the lowest failing block comes back") {
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    CHECK_THROWS_WITH(for_each_block(50,
                                     [](Index block) {
                                       if (block % 7 == 3)
                                         throw std::runtime_error("block " + std::to_string(block));
                                     }),
                      "block 3");
  }
  set_threads(0);
}

TEST_CASE("a nested call runs on the caller's thread and still visits every block") {
  set_threads(2);
  std::atomic<int> count = 0;
  for_each_block(4, [&](Index) { for_each_block(5, [&](Index) { ++count; }); });
  CHECK(count == 20);
  set_threads(0);
}
