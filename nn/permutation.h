#pragma once

#include <vector>

#include "base/matrix.h"
#include "base/random_stream.h"

namespace ohmic::nn {

/// The numbers 0 .. n - 1 in the random order that belongs to `row` (Fisher-Yates).
std::vector<Index> permutation(Index n, const RandomStream& stream, const Address& row);

}  // namespace ohmic::nn
