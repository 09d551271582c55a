#pragma once

#include <string>
#include <vector>

#include "lab/report/data.h"

namespace ohmic::lab {

/// A table of a report.
struct Table {
  std::string title, note;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::size_t words = 1;  ///< leading columns that are words, not numbers
};

/// The tables of each section; none of what the results do not hold.
std::vector<Table> budget_tables(const ReportData& report);
std::vector<Table> run_tables(const ReportData& report);
std::vector<Table> layer_tables(const ReportData& report);
std::vector<Table> pareto_tables(const ReportData& report);
std::vector<Table> point_tables(const ReportData& report);

}  // namespace ohmic::lab
