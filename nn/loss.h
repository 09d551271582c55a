#pragma once

#include <span>

#include "base/kernels.h"
#include "base/matrix.h"
#include "nn/label.h"

namespace ohmic::nn {

/// The result of one image.
struct Score {
  double loss = 0;  ///< cross-entropy of the softmax, natural logarithm
  Index rank = 0;  ///< classes ahead of the true one; 0 = correct. Of equal outputs the first class
                   ///< leads; NaN leads.
};

/// Softmax cross-entropy of the first labels.size() lanes of `logits` (classes x kLanes): one score
/// a lane, and, unless `gradient` is empty, the gradient by the logits times `weight` (1 / batch
/// for a mean over the batch), 0 in other lanes. With `smoothing` that share of each label is
/// spread evenly over all classes (Szegedy et al., CVPR 2016).
template <class T>
void softmax_cross_entropy(ConstView<T> logits, std::span<const Label> labels,
                           std::span<Score> scores, double weight = 0, View<T> gradient = {},
                           double smoothing = 0);

}  // namespace ohmic::nn
