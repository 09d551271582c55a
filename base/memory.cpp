#include "base/memory.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ohmic {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

std::align_val_t alignment(std::size_t bytes) {
  return std::align_val_t{bytes >= 2 * kHugePage ? kHugePage : 64};
}

}  // namespace

void* allocate_aligned(std::size_t bytes) {
  void* memory = ::operator new(bytes, alignment(bytes));
#if defined(MADV_HUGEPAGE)
  // Advice: where there are none, small pages serve.
  if (bytes >= 2 * kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_aligned(void* memory, std::size_t bytes) { ::operator delete(memory, alignment(bytes)); }

}  // namespace ohmic
