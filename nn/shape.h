#pragma once

#include <string>

#include "base/matrix.h"

namespace ohmic::nn {

/// An activation of one image: channels x height x width, its features in that order. A vector is
/// channels x 1 x 1.
struct Shape {
  Index channels = 0, height = 1, width = 1;
  Index features() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

/// "6 x 28 x 28", or "120" for a vector.
inline std::string text(const Shape& s) {
  const std::string channels = std::to_string(s.channels);
  if (s.height == 1 && s.width == 1) return channels;
  return channels + " x " + std::to_string(s.height) + " x " + std::to_string(s.width);
}

}  // namespace ohmic::nn
