#pragma once

#include <functional>

#include "base/matrix.h"

/// The one way to use several threads (OpenMP behind this door).
namespace ohmic {

/// Threads that for_each_block may use, 1 or more; process-wide, set once at start (0 = all
/// processors).
void set_threads(int threads);
int threads();

/// Calls body(block) for block = 0 .. blocks - 1, in any order, on up to threads() threads. What
/// blocks write must be disjoint; sums over blocks are the caller's, in block order, so that no bit
/// depends on the threads. The exception of the lowest failing block is thrown again after all
/// threads have stopped. Nested calls run on the caller's thread.
void for_each_block(Index blocks, const std::function<void(Index)>& body);

/// Calls body(first, last) for runs that cover 0 .. count - 1, where an item is work on about
/// `numbers` numbers: in one run where all of it is too little to share.
void for_each_part(Index count, Index numbers, const std::function<void(Index, Index)>& body);

/// Blocks of at most `size` that cover `count`.
constexpr Index block_count(Index count, Index size) { return (count + size - 1) / size; }

}  // namespace ohmic
