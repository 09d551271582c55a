#include "nn/adaptive_pool.h"

#include <algorithm>

#include "base/kernels.h"

namespace ohmic::nn {
namespace {

struct Cut {
  Index begin, end;
};
Cut window(Index i, Index from, Index to) {
  return {i * from / to, ((i + 1) * from + to - 1) / to};
}

/// Calls body(offset of the output pixel, offset of an input pixel, 1 / pixels of the window).
template <class Body>
void for_each_pair(const Shape& from, const Shape& to, Body body) {
  for (Index c = 0; c < from.channels; ++c)
    for (Index row = 0; row < to.height; ++row)
      for (Index column = 0; column < to.width; ++column) {
        const Cut rows = window(row, from.height, to.height);
        const Cut columns = window(column, from.width, to.width);
        const double weight =
            1.0 / static_cast<double>((rows.end - rows.begin) * (columns.end - columns.begin));
        for (Index r = rows.begin; r < rows.end; ++r)
          for (Index k = columns.begin; k < columns.end; ++k)
            body(((c * to.height + row) * to.width + column) * kLanes,
                 ((c * from.height + r) * from.width + k) * kLanes, weight);
      }
}

}  // namespace

AdaptivePool::AdaptivePool(const Shape& from, const Shape& to) : from_(from), to_(to) {}

template <class T>
void AdaptivePool::forward(const T* x, T* y) const {
  std::fill_n(y, from_.channels * to_.height * to_.width * kLanes, T(0));
  for_each_pair(from_, to_, [&](Index out, Index in, double weight) {
    const T factor = static_cast<T>(weight);
    for (Index lane = 0; lane < kLanes; ++lane) y[out + lane] += x[in + lane] * factor;
  });
}

template <class T>
void AdaptivePool::backward(const T* dy, T* dx) const {
  std::fill_n(dx, from_.features() * kLanes, T(0));
  for_each_pair(from_, to_, [&](Index out, Index in, double weight) {
    const T factor = static_cast<T>(weight);
    for (Index lane = 0; lane < kLanes; ++lane) dx[in + lane] += dy[out + lane] * factor;
  });
}

template void AdaptivePool::forward(const float*, float*) const;
template void AdaptivePool::forward(const double*, double*) const;
template void AdaptivePool::backward(const float*, float*) const;
template void AdaptivePool::backward(const double*, double*) const;

}  // namespace ohmic::nn
