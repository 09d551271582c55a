#include "nn/perturbation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/kernels.h"
#include "base/parallel.h"

namespace ohmic::nn {
namespace {

/// Calls body(row, its standard normals) for every weight row, each drawn at its own address.
template <class Body>
void for_each_row(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
                  ConstView<float> w, Body body) {
  for_each_part(w.rows(), 4 * w.columns(), [&](Index first, Index last) {
    std::vector<float> z(static_cast<std::size_t>(w.columns()));
    TrainingDraw own = draw;
    for (Index row = first; row < last; ++row) {
      own.row = static_cast<std::uint64_t>(row);
      stream.normals(training_address(purpose, own), 0, z);
      body(row, z);
    }
  });
}

}  // namespace

void LogNormalPerturbation::draw(const RandomStream& stream, Purpose purpose,
                                 const TrainingDraw& draw, ConstView<float> w, View<float> w_tilde,
                                 View<float> dw_tilde_dw) const {
  for_each_row(stream, purpose, draw, w, [&](Index row, const std::vector<float>& z) {
    float* factor = dw_tilde_dw.row(row);
    std::fill_n(factor, w.columns(), 1.0f);
    kernels().multiply_exponential(w.columns(), factor, sigma_, z.data(), 0, nullptr, 0, factor);
    for (Index c = 0; c < w.columns(); ++c) w_tilde(row, c) = w(row, c) * factor[c];
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
