#pragma once

#include <string>
#include <vector>

namespace ohmic::lab {

/// Values over two axes, as coloured cells.
struct HeatMap {
  std::string title, x_label, y_label, value_label;
  std::vector<std::string> x_words, y_words;  ///< left to right, bottom to top
  std::vector<double> values;                 ///< y x x; NaN: an empty cell
  std::vector<std::string> notes;             ///< y x x: what a tooltip adds; may be empty
};

/// A self-contained SVG plot, 480 wide: cells in the colours of viridis (van der Walt and Smith,
/// matplotlib 1.5; CC0), the number in each where it has the room, tooltips (elements of class
/// `mark`), and the scale of colours below.
std::string to_svg(const HeatMap& map);

}  // namespace ohmic::lab
