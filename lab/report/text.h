#pragma once

#include "lab/report/section.h"

namespace ohmic::lab {

/// Headlines and tables as Markdown.
std::string report_markdown(const ReportData& report);
/// Every measured value, one row per sample, accuracy as a fraction: columns for hardware, axes,
/// chip and metrics. Of a search one row per evaluation.
std::string report_csv(const ReportData& report);

}  // namespace ohmic::lab
