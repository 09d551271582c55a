#include "sim/scaled.h"

#include "base/error.h"

namespace ohmic::sim {

Scaled::Scaled(std::shared_ptr<const LinearOperator> unscaled, std::vector<float> factors)
    : unscaled_(std::move(unscaled)), factors_(std::move(factors)) {
  ensure(static_cast<Index>(factors_.size()) == unscaled_->outputs(), "one factor per output");
}

void Scaled::apply(const PatchView& x, const ReadContext& context, const OutputView& y) const {
  unscaled_->apply(x, context, y);
  for (Index o = 0; o < outputs(); ++o)
    for (Index p = 0; p < x.positions(); ++p)
      for (Index s = 0; s < x.samples; ++s)
        y.data[s * y.sample_stride + o * y.output_stride + p * y.position_stride] *=
            factors_[static_cast<std::size_t>(o)];
}

}  // namespace ohmic::sim
