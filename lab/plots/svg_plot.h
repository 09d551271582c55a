#pragma once

#include <string>
#include <vector>

namespace ohmic::lab {

/// One line or cloud of a plot; `low` and `high` (error bars) may be empty. A point whose y is NaN
/// is left out, and breaks the line.
struct PlotSeries {
  std::string name;
  std::vector<double> x, y, low, high;
  bool joined = true;  ///< a line through the points
  bool marked = true;  ///< dots at the points
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
  bool x_is_logarithmic = false;          ///< x > 0; a point at 0 is drawn at the left edge
  std::vector<std::string> x_words = {};  ///< of x = 0, 1, ... in place of numbers
  bool legend_is_below = false;           ///< for pages: narrow enough for a phone
};

/// Colours of the series in turn, on white: Okabe and Ito's palette for colour-blind readers.
const std::vector<std::string>& series_colours();

/// A self-contained SVG plot with axes, ticks, error bars, tooltips (elements of class `mark`)
/// and a legend beside it: 760 x 460, larger where the legend's names or rows need it; 480 wide
/// with the legend below. Lines follow the order of points.
std::string to_svg(const Plot& plot);

}  // namespace ohmic::lab
