#pragma once

#include "lab/experiment/experiment.h"

namespace ohmic::lab {

/// One line per key of the config that cannot act, or whose value can hardly be meant, on the
/// results of `command`, with its place: "run.toml:9:1: adc.low_uA has no effect: range is not
/// "fixed"". Tables that the command does not read are left alone.
std::vector<std::string> key_notes(const Experiment& experiment, const std::string& command);

/// The lines that hold at all of several experiments (the points of a sweep or a comparison): what
/// acts at one of them is not told.
std::vector<std::string> common_notes(const std::vector<std::vector<std::string>>& of_each);

}  // namespace ohmic::lab
