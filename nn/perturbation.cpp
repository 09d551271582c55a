#include "nn/perturbation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/elementary.h"

namespace ohmic::nn {
namespace {

/// Calls body(row, its standard normals) for every weight row, each drawn at its own address.
template <class Body>
void for_each_row(const RandomStream& stream, Purpose purpose, TrainingDraw draw,
                  ConstView<float> w, Body body) {
  std::vector<float> z(static_cast<std::size_t>(w.columns()));
  for (Index row = 0; row < w.rows(); ++row) {
    draw.row = static_cast<std::uint64_t>(row);
    stream.normals(training_address(purpose, draw), 0, z);
    body(row, z);
  }
}

}  // namespace

void LogNormalPerturbation::draw(const RandomStream& stream, Purpose purpose,
                                 const TrainingDraw& draw, ConstView<float> w, View<float> w_tilde,
                                 View<float> dw_tilde_dw) const {
  for_each_row(stream, purpose, draw, w, [&](Index row, const std::vector<float>& z) {
    for (Index c = 0; c < w.columns(); ++c) {
      const double theta = sigma_ * static_cast<double>(z[static_cast<std::size_t>(c)]);
      dw_tilde_dw(row, c) = static_cast<float>(elementary::exp(theta));
      w_tilde(row, c) = w(row, c) * dw_tilde_dw(row, c);
    }
  });
}

void GaussianPerturbation::draw(const RandomStream& stream, Purpose purpose,
                                const TrainingDraw& draw, ConstView<float> w, View<float> w_tilde,
                                View<float> dw_tilde_dw) const {
  float largest = 0;
  for (Index row = 0; row < w.rows(); ++row)
    for (Index c = 0; c < w.columns(); ++c) largest = std::max(largest, std::abs(w(row, c)));
  const float spread = static_cast<float>(sigma_) * largest;
  for_each_row(stream, purpose, draw, w, [&](Index row, const std::vector<float>& z) {
    for (Index c = 0; c < w.columns(); ++c) {
      dw_tilde_dw(row, c) = 1;
      w_tilde(row, c) = w(row, c) + spread * z[static_cast<std::size_t>(c)];
    }
  });
}

}  // namespace ohmic::nn
