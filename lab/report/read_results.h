#pragma once

#include "lab/report/data.h"

namespace ohmic::lab {

/// Reads the results of `ohmic run`, `compare`, `search` or `sweep`; what a file does not hold
/// stays empty. Throws FileError for anything that is not a results file of Ohmic or is damaged,
/// ConfigError for another schema or another command's results.
ReportData read_results(const std::filesystem::path& file);

}  // namespace ohmic::lab
