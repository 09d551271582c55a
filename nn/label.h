#pragma once

#include <cstdint>

namespace ohmic::nn {

/// The class of an image, from 0.
using Label = std::uint32_t;

}  // namespace ohmic::nn
