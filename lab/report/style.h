#pragma once

#include <string>

namespace ohmic::lab {

/// The style sheet of a report: light and dark, screen and paper, phones included. Plots are
/// recoloured by the colours that svg_*.cpp draw with.
std::string report_style();
/// The script of a report: tooltips by pointer and keyboard, tables that sort. The page reads
/// without it.
std::string report_script();

}  // namespace ohmic::lab
