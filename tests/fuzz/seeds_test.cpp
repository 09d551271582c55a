#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "fuzz/target.h"
#include "io/whole_file.h"

/// Kept inputs: seeds, and what once was read wrongly.
namespace ohmic::fuzz {
namespace {

TEST_CASE("every reader reads or clearly refuses its kept inputs, and no input at all") {
  for (const Target* target : Target::all()) {
    CAPTURE(target->name);
    CHECK_NOTHROW(target->judge(""));
    const std::filesystem::path seeds = std::filesystem::path(OHMIC_SEEDS) / target->name;
    REQUIRE(std::filesystem::is_directory(seeds));
    for (const auto& seed : std::filesystem::directory_iterator(seeds)) {
      CAPTURE(seed.path());
      CHECK_NOTHROW(target->judge(read_whole_file(seed.path())));
    }
  }
}

TEST_CASE("every folder of kept inputs belongs to a reader") {
  for (const auto& folder : std::filesystem::directory_iterator(OHMIC_SEEDS)) {
    CAPTURE(folder.path());
    bool is_known = false;
    for (const Target* target : Target::all())
      is_known = is_known || target->name == folder.path().filename();
    CHECK(is_known);
  }
}

}  // namespace
}  // namespace ohmic::fuzz
