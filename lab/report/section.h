#pragma once

#include <string>
#include <vector>

#include "lab/report/figures.h"
#include "lab/report/tables.h"

/// A report as it is read: headlines, then sections of plots and tables. The page, the Markdown
/// text and the SVG files are made of these.
namespace ohmic::lab {

/// A number at the top of a report.
struct Headline {
  std::string label, value, note;
};

struct Section {
  std::string id, title, note;
  std::vector<Figure> figures;
  std::vector<Table> tables;
  bool folds = false;  ///< tables that a reader opens and closes
};

std::vector<Headline> headlines_of(const ReportData& report);

/// What the results hold, in the order of the page: error budget, accuracy against each axis and
/// over two, layers, Pareto fronts, points. What they do not hold has no section.
std::vector<Section> sections_of(const ReportData& report);

}  // namespace ohmic::lab
