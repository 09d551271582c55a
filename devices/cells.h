#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"

namespace ohmic::devices {

/// A plane of numbers that a model keeps beside the conductances, by name.
struct NamedPlane {
  std::string name;
  Matrix<float> values;
};

/// One programmed array of one polarity: n_out x n_in, conductances in [S].
struct Cells {
  Matrix<float> target, programmed;
  std::vector<NamedPlane> state;

  bool has_plane(std::string_view name) const;
  /// The plane called `name`. LogicError if there is none.
  ConstView<float> plane(std::string_view name) const;
  /// The same, made (of zeros, shaped as `target`) if there is none.
  Matrix<float>& plane_of(std::string_view name);
};

}  // namespace ohmic::devices
