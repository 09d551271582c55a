#pragma once

#include "base/matrix.h"

/// What the engines on panels share.
namespace ohmic::nn {

inline constexpr Index kPanelRows = 96;  ///< 24 KiB of floats: half a first cache

/// At least `numbers` of a storage that a thread keeps from call to call.
template <class T>
T* room(AlignedVector<T>& storage, Index numbers) {
  if (static_cast<Index>(storage.size()) < numbers)
    storage = AlignedVector<T>(static_cast<std::size_t>(numbers));
  return storage.data();
}

}  // namespace ohmic::nn
