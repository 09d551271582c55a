#pragma once

#include <memory>
#include <vector>

#include "base/linear_operator.h"

namespace ohmic::sim {

/// A product whose outputs are multiplied digitally, each by its own factor, before the bias: drift
/// compensation.
class Scaled final : public LinearOperator {
 public:
  /// One factor per output of `unscaled`.
  Scaled(std::shared_ptr<const LinearOperator> unscaled, std::vector<float> factors);

  Index inputs() const override { return unscaled_->inputs(); }
  Index outputs() const override { return unscaled_->outputs(); }
  bool adds_bias() const override { return unscaled_->adds_bias(); }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override;

  const std::vector<float>& factors() const { return factors_; }

 private:
  std::shared_ptr<const LinearOperator> unscaled_;
  std::vector<float> factors_;
};

}  // namespace ohmic::sim
