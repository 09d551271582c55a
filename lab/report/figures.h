#pragma once

#include <string>
#include <vector>

#include "lab/report/data.h"

namespace ohmic::lab {

/// A plot of a report.
struct Figure {
  std::string name;  ///< of its file and its place in the page: letters, digits, '-', '.'
  std::string svg;
  std::string caption;
};

/// The plots of each section; none of what the results do not hold.
std::vector<Figure> budget_figures(const ReportData& report);
std::vector<Figure> accuracy_figures(const ReportData& report);
std::vector<Figure> heat_map_figures(const ReportData& report);
std::vector<Figure> layer_figures(const ReportData& report);
std::vector<Figure> pareto_figures(const ReportData& report);

}  // namespace ohmic::lab
