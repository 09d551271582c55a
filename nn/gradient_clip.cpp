#include "nn/gradient_clip.h"

#include <cmath>

namespace ohmic::nn {

double clip_gradient(const Network& network, const std::vector<bool>* is_frozen, double limit,
                     ParameterSet<float>& gradient) {
  const auto for_each_trained = [&](auto body) {
    for (std::size_t l = 0; l < gradient.size(); ++l) {
      if (is_frozen && (*is_frozen)[l]) continue;
      for (std::size_t p = 0; p < gradient[l].size(); ++p)
        if (network.structure(static_cast<Index>(l)).parameters[p].is_trained)
          body(gradient[l][p].value);
    }
  };
  double square = 0;
  for_each_trained([&](const Matrix<float>& g) {
    for (Index i = 0; i < g.size(); ++i)
      square += static_cast<double>(g.data()[i]) * static_cast<double>(g.data()[i]);
  });
  const double norm = std::sqrt(square);
  if (!(norm > limit)) return norm;  // NaN stays, so that a training that diverges is seen
  const auto factor = static_cast<float>(limit / norm);
  for_each_trained([&](Matrix<float>& g) {
    for (Index i = 0; i < g.size(); ++i) g.data()[i] *= factor;
  });
  return norm;
}

}  // namespace ohmic::nn
