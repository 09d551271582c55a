#pragma once

#include <filesystem>
#include <vector>

#include "base/console.h"
#include "devices/device_model.h"
#include "devices/measured_table.h"

/// Plots of devices, for `ohmic info`.
namespace ohmic::lab {

/// Writes NAME_sigma.svg (deviation against target conductance, at several times where the model
/// has time) and, where it ages, NAME_drift.svg (mean conductance against time) into `folder`.
/// Returns the files.
std::vector<std::filesystem::path> plot_device(const devices::DeviceModel& model,
                                               const std::string& name,
                                               const std::filesystem::path& folder);

/// Prints what a measured table holds, and plots data against model (at up to kMostTimesDrawn
/// times) into `plot_file`.
void show_fit(const std::filesystem::path& file, const devices::MeasuredReading& reading,
              const std::filesystem::path& plot_file, const Console& console);
inline constexpr std::size_t kMostTimesDrawn = 12;

/// Plots potentiation and depression of a training device into `plot_file` and prints its
/// parameters.
void show_pulses(const std::string& model, const std::filesystem::path& plot_file,
                 const Console& console);

}  // namespace ohmic::lab
