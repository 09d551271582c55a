#pragma once

#include <string>
#include <vector>

#include "base/linear_operator.h"
#include "sim/layer_plan.h"

namespace ohmic::sim {

/// Which parts of the hardware are switched on.
struct ChipOptions {
  Programming programming = Programming::drawn;
  bool read_noise = true;
  bool converters = true;
  bool faults = true;
  double seconds = 0;  ///< after programming
};

/// The programmed cells of one chip, an array per tile, row tile by row tile. `context` says which
/// chip; its layer and coordinates are set here.
std::vector<Array> program_tiles(const LayerPlan& plan, devices::ProgramContext context,
                                 const ChipOptions& options);
/// The product of one layer on one programmed chip: DACs, tiles, and the digital sum of their
/// partial sums in tile order.
class Crossbar final : public LinearOperator {
 public:
  /// `context` says which chip; its layer and coordinates are set here.
  Crossbar(const LayerPlan& plan, devices::ProgramContext context, const ChipOptions& options);
  /// The programmed cells of `cells`, made for a plan that differs in its converters only, read as
  /// `plan` and `options` say. Nothing is drawn.
  Crossbar(const LayerPlan& plan, const Crossbar& cells, const ChipOptions& options);

  Index inputs() const override { return inputs_; }
  Index outputs() const override { return outputs_; }
  bool adds_bias() const override { return bias_row_; }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override;

  /// The same cells and converters `seconds` after programming.
  Crossbar after_drift(double seconds) const;

  const std::vector<Tile>& tiles() const { return tiles_; }
  CellCounts counts() const;
  const Dac& dac() const { return dac_; }
  Index layer() const { return layer_; }

 private:
  Crossbar(const LayerPlan& plan, const ChipOptions& options);
  void apply_block(const PatchView& x, const ReadContext& context, const OutputView& y) const;

  std::string name_;
  Index layer_, inputs_, outputs_;
  bool bias_row_;
  Dac dac_;
  std::vector<Tile> tiles_;  ///< row tile by row tile
  bool needs_squares_ = false;
};

}  // namespace ohmic::sim
