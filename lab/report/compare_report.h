#pragma once

#include "lab/results/comparison.h"
#include "lab/results/results.h"

namespace ohmic::lab {

/// The table of one hardware: one line per method, columns for every sigma; differences are paired
/// over seeds and chips against the first method, per cent are of its clean accuracy.
std::string compare_markdown(const Comparison& comparison, const Experiment& experiment,
                             std::size_t hardware);

/// results.h5, compare.md, accuracy_<hardware>.svg and overhead_<hardware>.svg in `folder`.
void write_comparison(const std::filesystem::path& folder, const Comparison& comparison,
                      const Experiment& experiment, const ResultsIdentity& identity,
                      const Provenance& provenance);

}  // namespace ohmic::lab
