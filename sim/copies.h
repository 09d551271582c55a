#pragma once

#include "sim/crossbar.h"

namespace ohmic::sim {

/// Several programmed copies of one layer whose outputs are averaged: all of them, or for every
/// output the `best` copies whose column of cells came out nearest to its targets (layer ensemble
/// averaging, Yousuf et al., Nat. Commun. 16, 1250, 2025: copies ranked by sum |g_target -
/// g_read-out|).
class Copies final : public LinearOperator {
 public:
  /// `best` = number of copies that are averaged, 1 .. copies.size(). Copies differ in
  /// ProgramContext::replica.
  Copies(std::vector<Crossbar> copies, Index best);

  Index inputs() const override { return copies_.front().inputs(); }
  Index outputs() const override { return copies_.front().outputs(); }
  bool adds_bias() const override { return copies_.front().adds_bias(); }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override;

  /// The same copies, averaged as they are now, `seconds` after programming.
  Copies aged(double seconds) const;

  const std::vector<Crossbar>& copies() const { return copies_; }
  /// Weight of copy c in output o: 1 / best or 0.
  const Matrix<float>& shares() const { return shares_; }

 private:
  std::vector<Crossbar> copies_;
  Matrix<float> shares_;  ///< copies x outputs
};

}  // namespace ohmic::sim
