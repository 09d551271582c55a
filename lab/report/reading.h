#pragma once

#include "io/h5.h"
#include "lab/report/data.h"

/// Reading results files: what the readers share, runs and searches.
namespace ohmic::lab {

/// Numbers of a data set that must have `count` of them; FileError otherwise.
std::vector<double> numbers_of(const h5::Reader& in, const std::string& path, std::size_t count);
/// A data set of values as an axis named `key`, with its units.
AxisValues axis_in(const h5::Reader& in, const std::string& path, const std::string& key);

void read_run(const h5::Reader& in, ReportData& report);
void read_search(const h5::Reader& in, ReportData& report);

}  // namespace ohmic::lab
