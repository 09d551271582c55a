#include "sim/copies.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace ohmic::sim {
namespace {

/// sum |g_target - g| over the cells of each output.
std::vector<double> column_errors(const Crossbar& copy) {
  std::vector<double> error(static_cast<std::size_t>(copy.outputs()));
  for (const Tile& tile : copy.tiles())
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

Copies::Copies(std::vector<Crossbar> copies, Index best)
    : copies_(std::move(copies)),
      shares_(static_cast<Index>(copies_.size()), copies_.front().outputs()) {
  ensure(best >= 1 && best <= shares_.rows(), "as many copies are averaged as there are, or fewer");
  std::vector<std::vector<double>> errors;
  for (const Crossbar& copy : copies_) errors.push_back(column_errors(copy));
  for (std::size_t o = 0; o < errors.front().size(); ++o) {
    std::vector<std::size_t> order(copies_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return errors[a][o] < errors[b][o]; });
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(best); ++rank)
      shares_(static_cast<Index>(order[rank]), static_cast<Index>(o)) =
          1.0f / static_cast<float>(best);
  }
}

Copies Copies::aged(double seconds) const {
  Copies later = *this;
  for (Crossbar& copy : later.copies_) copy = copy.aged(seconds);
  return later;
}

void Copies::apply(const PatchView& x, const ReadContext& context, const OutputView& y) const {
  static thread_local std::vector<float> own;
  const Index positions = x.positions(), plane = positions * x.samples;
  own.resize(static_cast<std::size_t>(outputs() * plane));
  for (std::size_t c = 0; c < copies_.size(); ++c) {
    copies_[c].apply(x, context, {own.data(), 1, plane, x.samples});
    for (Index o = 0; o < outputs(); ++o) {
      const float share = shares_(static_cast<Index>(c), o);
      for (Index p = 0; p < positions; ++p)
        for (Index s = 0; s < x.samples; ++s) {
          float& to = y.data[s * y.sample_stride + o * y.output_stride + p * y.position_stride];
          const float value = share * own[static_cast<std::size_t>(o * plane + p * x.samples + s)];
          to = c == 0 ? value : to + value;
        }
    }
  }
}

}  // namespace ohmic::sim
