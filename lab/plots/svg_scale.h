#pragma once

#include <span>
#include <vector>

namespace ohmic::lab {

/// Where values stand along one axis of a plot: low .. high on from .. to.
struct Scale {
  double low, high, from, to;
  bool is_logarithmic = false;  ///< values at or below 0 stand at the lower end
  double at(double value) const;
  /// Round values within low .. high: about five to eight, or the powers of ten.
  std::vector<double> ticks() const;
};

/// The scale that shows all `values` (NaN and, where logarithmic, values at or below 0 left aside)
/// with a small margin.
Scale scale_over(std::span<const double> values, double from, double to, bool logarithmic = false);

}  // namespace ohmic::lab
