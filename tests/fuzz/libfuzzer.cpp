#include <cstddef>
#include <cstdint>

#include "fuzz/target.h"

/// The one target that is linked, as libFuzzer wants it. What it throws ends the program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  ohmic::fuzz::Target::all().front()->judge({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
