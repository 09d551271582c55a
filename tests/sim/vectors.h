#pragma once

#include <cmath>

#include "base/matrix.h"

namespace ohmic::testing {

/// Numbers between -1 and 1 that do not repeat.
inline Matrix<float> wave(Index rows, Index columns, double step) {
  Matrix<float> m(rows, columns);
  for (Index i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<float>(std::sin(step * static_cast<double>(i + 1)));
  return m;
}

}  // namespace ohmic::testing
