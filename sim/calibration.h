#pragma once

#include <span>
#include <vector>

#include "sim/crossbar.h"

/// The ranges of converters, found on calibration inputs.
namespace ohmic::sim {

/// The DAC for the inputs that a layer sees in calibration.
Dac calibrate_dac(const DacParams& params, std::span<const PatchView> inputs);
/// The ADCs of a plan for the currents that these inputs cause in the cells of one chip (by default
/// in ideal ones, without read noise): pooled over a layer's tiles, or tile by tile.
std::vector<Quantiser> calibrate_adc(const LayerPlan& plan, std::span<const PatchView> inputs,
                                     const devices::ProgramContext& chip = {},
                                     ChipOptions options = {.programming = Programming::at_target,
                                                            .faults = false});

}  // namespace ohmic::sim
