#pragma once

#include "base/matrix.h"
#include "devices/program_context.h"

namespace ohmic::devices {

/// Variation that acts on the weight, not on its cells (CorrectNet's).
class WeightModel {
 public:
  virtual ~WeightModel() = default;
  /// Writes w_tilde, one draw per weight. It is mapped without quantising again.
  virtual void perturb(const ProgramContext& context, ConstView<float> w,
                       View<float> w_tilde) const = 0;
  /// The mean conductance [S] of a cell that is brought to base + slope * (w_tilde / w), no lower
  /// than 0 (and no higher than g_max where the model clips).
  virtual double mean_of_cell(double base, double slope) const = 0;
  /// Deviation of ln(w_tilde / w).
  virtual double log_sigma() const = 0;
};

}  // namespace ohmic::devices
