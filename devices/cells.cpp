#include "devices/cells.h"

#include <algorithm>

#include "base/error.h"

namespace ohmic::devices {

bool Cells::has_plane(std::string_view name) const {
  return std::any_of(state.begin(), state.end(),
                     [&](const NamedPlane& p) { return p.name == name; });
}

ConstView<float> Cells::plane(std::string_view name) const {
  for (const NamedPlane& p : state)
    if (p.name == name) return p.values;
  throw LogicError("cells have no plane " + std::string(name));
}

Matrix<float>& Cells::plane_of(std::string_view name) {
  for (NamedPlane& p : state)
    if (p.name == name) return p.values;
  return state
      .emplace_back(NamedPlane{std::string(name), Matrix<float>(target.rows(), target.columns())})
      .values;
}

}  // namespace ohmic::devices
