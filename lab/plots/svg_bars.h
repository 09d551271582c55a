#pragma once

#include <string>
#include <vector>

namespace ohmic::lab {

/// One bar from 0 to `value`, with the interval low .. high.
struct Bar {
  std::string name;
  double value, low, high;
};

struct BarChart {
  std::string title, value_label;
  std::vector<Bar> bars;
};

/// A self-contained SVG plot, 480 wide: one horizontal bar per line with its interval and
/// number, and tooltips (elements of class `mark`).
std::string to_svg(const BarChart& chart);

}  // namespace ohmic::lab
