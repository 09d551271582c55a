#pragma once

#include <string>
#include <vector>

namespace ohmic::lab {

/// One line or cloud of a plot; `low` and `high` (error bars) may be empty.
struct PlotSeries {
  std::string name;
  std::vector<double> x, y, low, high;
  bool joined = true;  ///< a line through the points
  bool marked = true;  ///< dots at the points
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
  bool x_is_logarithmic = false;  ///< x > 0; a point at 0 is drawn at the left edge
};

/// A self-contained SVG picture with axes, ticks, error bars, tooltips and a legend beside it:
/// 760 x 460, larger where the legend's names or rows need it. Lines follow the order of points.
std::string to_svg(const Plot& plot);

}  // namespace ohmic::lab
