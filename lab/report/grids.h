#pragma once

#include "io/h5.h"
#include "lab/report/data.h"

namespace ohmic::lab {

/// Results over points, in summarised grids: a comparison has one per hardware, the config's first,
/// with the methods as the last dimension.
void read_compare(const h5::Reader& in, ReportData& report);
/// A sweep, with the error budget and the layers of its best and its worst point.
void read_sweep(const h5::Reader& in, ReportData& report);

}  // namespace ohmic::lab
