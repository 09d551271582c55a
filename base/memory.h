#pragma once

#include <cstddef>

/// Memory for numbers.
namespace ohmic {

/// Aligned to 64 bytes, so that any vector width may load from its start. From 4 MiB on it is
/// aligned to huge pages and asks for them: maps and weights of large networks are read with
/// strides that a processor's table of small pages does not hold. Throws std::bad_alloc.
void* allocate_aligned(std::size_t bytes);
void free_aligned(void* memory, std::size_t bytes);

}  // namespace ohmic
