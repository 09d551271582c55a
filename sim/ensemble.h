#pragma once

#include "sim/crossbar.h"

namespace ohmic::sim {

/// A layer programmed once or several times, whose outputs are averaged: over all members, or for
/// every output over the `best` members whose column of cells came out nearest to its targets
/// (layer ensemble averaging, Yousuf et al., Nat. Commun. 16, 1250, 2025: members ranked by
/// sum |g_target - g_read-out|).
class Ensemble final : public LinearOperator {
 public:
  /// `best` = number of members that are averaged, 1 .. members.size(). Members differ in
  /// ProgramContext::replica.
  Ensemble(std::vector<Crossbar> members, Index best);

  Index inputs() const override { return members_.front().inputs(); }
  Index outputs() const override { return members_.front().outputs(); }
  bool adds_bias() const override { return members_.front().adds_bias(); }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override;

  /// The same members, averaged as they are now, `seconds` after programming.
  Ensemble after_drift(double seconds) const;

  const std::vector<Crossbar>& members() const { return members_; }
  /// Weight of member m in output o: 1 / best or 0.
  const Matrix<float>& weights() const { return weights_; }

 private:
  std::vector<Crossbar> members_;
  Matrix<float> weights_;  ///< members x outputs
};

}  // namespace ohmic::sim
