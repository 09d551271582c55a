#include "nn/loss.h"

#include <algorithm>

#include "base/elementary.h"

namespace ohmic::nn {
namespace {

template <class T>
Index rank_of(ConstView<T> logits, Index label, Index lane) {
  Index ahead = 0;
  const T own = logits(label, lane);
  for (Index c = 0; c < logits.rows(); ++c)
    if (c != label) ahead += c < label ? !(logits(c, lane) < own) : !(logits(c, lane) <= own);
  return ahead;
}

}  // namespace

template <class T>
void softmax_cross_entropy(ConstView<T> logits, std::span<const Label> labels,
                           std::span<Score> scores, double weight, View<T> gradient,
                           double smoothing) {
  const Index classes = logits.rows();
  for (Index c = 0; c < gradient.rows(); ++c)
    std::fill_n(gradient.row(c), gradient.columns(), T(0));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Index label = labels[i], lane = static_cast<Index>(i);
    T largest = logits(0, lane);
    for (Index c = 1; c < classes; ++c) largest = std::max(largest, logits(c, lane));
    double sum = 0;
    for (Index c = 0; c < classes; ++c) {
      const double e =
          elementary::exp(static_cast<double>(logits(c, lane)) - static_cast<double>(largest));
      sum += e;
      if (!gradient.empty()) gradient(c, lane) = static_cast<T>(e);
    }
    scores[i].loss = elementary::log(sum) -
                     (static_cast<double>(logits(label, lane)) - static_cast<double>(largest));
    if (smoothing > 0) {
      double mean = 0;  // of the logits, from that of the label
      for (Index c = 0; c < classes; ++c)
        mean += static_cast<double>(logits(c, lane)) - static_cast<double>(logits(label, lane));
      scores[i].loss -= smoothing * mean / static_cast<double>(classes);
    }
    scores[i].rank = rank_of(logits, label, lane);
    if (gradient.empty()) continue;
    const T scale = static_cast<T>(weight / sum);
    for (Index c = 0; c < classes; ++c) gradient(c, lane) *= scale;
    gradient(label, lane) -= static_cast<T>((1 - smoothing) * weight);
    if (smoothing > 0) {
      const T spread = static_cast<T>(smoothing * weight / static_cast<double>(classes));
      for (Index c = 0; c < classes; ++c) gradient(c, lane) -= spread;
    }
  }
}

template void softmax_cross_entropy(ConstView<float>, std::span<const Label>, std::span<Score>,
                                    double, View<float>, double);
template void softmax_cross_entropy(ConstView<double>, std::span<const Label>, std::span<Score>,
                                    double, View<double>, double);

}  // namespace ohmic::nn
