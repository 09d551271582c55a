#include "sim/ensemble.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace ohmic::sim {
namespace {

/// sum |g_target - g| over the cells of each output.
std::vector<double> column_errors(const Crossbar& member) {
  std::vector<double> error(static_cast<std::size_t>(member.outputs()));
  for (const Tile& tile : member.tiles())
    for (std::size_t p = 0; p < tile.array().polarities(); ++p) {
      const ConstView<float> target = tile.array().cells(p).target;
      const ConstView<float> now = tile.array().conductance(p);
      for (Index o = 0; o < now.rows(); ++o)
        for (Index r = 0; r < now.columns(); ++r)
          error[static_cast<std::size_t>(tile.place().columns.begin + o)] +=
              std::fabs(static_cast<double>(target(o, r)) - now(o, r));
    }
  return error;
}

}  // namespace

Ensemble::Ensemble(std::vector<Crossbar> members, Index best)
    : members_(std::move(members)),
      weights_(static_cast<Index>(members_.size()), members_.front().outputs()) {
  ensure(best >= 1 && best <= weights_.rows(), "members that are averaged are there");
  const float weight = 1.0f / static_cast<float>(best);
  if (best == weights_.rows()) {
    weights_.fill(weight);
    return;
  }
  std::vector<std::vector<double>> errors;
  for (const Crossbar& member : members_) errors.push_back(column_errors(member));
  for (std::size_t o = 0; o < errors.front().size(); ++o) {
    std::vector<std::size_t> order(members_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return errors[a][o] < errors[b][o]; });
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(best); ++rank)
      weights_(static_cast<Index>(order[rank]), static_cast<Index>(o)) = weight;
  }
}

Ensemble Ensemble::after_drift(double seconds) const {
  Ensemble later = *this;
  for (Crossbar& member : later.members_) member = member.after_drift(seconds);
  return later;
}

void Ensemble::apply(const PatchView& x, const ReadContext& context, const OutputView& y) const {
  if (members_.size() == 1) return members_.front().apply(x, context, y);
  static thread_local std::vector<float> own;
  const Index positions = x.positions(), plane = positions * x.samples;
  own.resize(static_cast<std::size_t>(outputs() * plane));
  for (std::size_t m = 0; m < members_.size(); ++m) {
    members_[m].apply(x, context, {own.data(), 1, plane, x.samples});
    for (Index o = 0; o < outputs(); ++o) {
      const float weight = weights_(static_cast<Index>(m), o);
      for (Index p = 0; p < positions; ++p)
        for (Index s = 0; s < x.samples; ++s) {
          float& to = y.data[s * y.sample_stride + o * y.output_stride + p * y.position_stride];
          const float value = weight * own[static_cast<std::size_t>(o * plane + p * x.samples + s)];
          to = m == 0 ? value : to + value;
        }
    }
  }
}

}  // namespace ohmic::sim
