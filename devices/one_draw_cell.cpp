#include "devices/one_draw_cell.h"

#include <algorithm>

namespace ohmic::devices {
namespace {

constexpr const char* kPlane = "programming_z";

}  // namespace

float OneDrawCell::at(double target, double z, double seconds) const {
  const double t = published(target);
  return static_cast<float>(siemens(std::max(centre(t, seconds) + spread(t, seconds) * z, 0.0)));
}

void OneDrawCell::program(const ProgramContext& context, ConstView<float> target,
                          Cells& out) const {
  out.target = Matrix<float>(target);
  out.programmed = Matrix<float>(target.rows(), target.columns());
  Matrix<float>& z = out.plane_of(kPlane);
  for (Index r = 0; r < target.rows(); ++r) {
    context.normals(Purpose::cycle, r, {z.row(r), static_cast<std::size_t>(z.columns())});
    for (Index c = 0; c < target.columns(); ++c)
      out.programmed(r, c) = at(target(r, c), z(r, c), 0);
  }
}

void OneDrawCell::conductance(const Cells& cells, double seconds, View<float> out) const {
  const ConstView<float> z = cells.plane(kPlane);
  for (Index r = 0; r < out.rows(); ++r)
    for (Index c = 0; c < out.columns(); ++c) {
      const float target = cells.target(r, c), now = cells.programmed(r, c);
      if (seconds <= 0) {
        out(r, c) = now;
        continue;
      }
      const float drawn = at(target, z(r, c), 0), later = at(target, z(r, c), seconds);
      out(r, c) = now == drawn ? later : std::max(now + (later - drawn), 0.0f);
    }
}

double OneDrawCell::mean(double g, double seconds) const {
  const double t = published(g);
  return siemens(rectified_mean(centre(t, seconds), spread(t, seconds)));
}

double OneDrawCell::sigma(double g, double seconds) const {
  const double t = published(g);
  return siemens(rectified_sigma(centre(t, seconds), spread(t, seconds)));
}

}  // namespace ohmic::devices
