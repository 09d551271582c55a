#pragma once

#include "devices/preset.h"

namespace ohmic::devices {

/// The two published fits of one figure; they differ threefold at G = 0.
enum class Wan2022Fit { aihwkit, crosssim };

/// Deviation [uS] at `g` [uS] and time [s] after programming.
double wan2022_sigma(Wan2022Fit fit, double g, double seconds);

struct Wan2022Params {
  PresetParams preset = preset_of({0, 40 * units::kMicrosiemens});
  Wan2022Fit fit = Wan2022Fit::aihwkit;
  Wan2022Params();
};
void fields(FieldVisitor& f, Wan2022Params& p);
void check_device(const Wan2022Params& p, const ConfigNode& table, const std::string& path);

/// See wan2022.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_wan2022(const Wan2022Params& params);
extern const char* const kWan2022Manual;

}  // namespace ohmic::devices
