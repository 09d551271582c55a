#pragma once

#include "lab/report/section.h"

namespace ohmic::lab {

/// The report as one HTML page that asks nothing of the network.
std::string report_page(const ReportData& report);
}  // namespace ohmic::lab
