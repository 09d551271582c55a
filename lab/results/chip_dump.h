#pragma once

#include "lab/results/results.h"
#include "lab/study/flow.h"

namespace ohmic::lab {

/// Writes what chip `index` (first programming) of a run is made of, as `device.model =
/// "real_chip"` reads it: /layers/NAME/{target, programmed, aged} [S] and /layers/NAME/state/PLANE,
/// polarity x output x input, the device as TOML in the root attribute `device`. ConfigError for
/// copies, which are several matrices per layer, and for an override of the device, which one file
/// cannot hold.
void write_chip(const std::filesystem::path& file, const RunSetting& setting, Index index,
                const ResultsIdentity& identity, const Provenance& provenance);

}  // namespace ohmic::lab
