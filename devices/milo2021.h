#pragma once

#include "devices/preset.h"

namespace ohmic::devices {

/// Deviation [uS] at `g` [uS].
double milo2021_sigma(double g);

/// Current [A] of a cell of conductance `g` [S] under `volts`: g V + N2 V^2 + N3 V^3 with N2, N3
/// polynomials in log10 g. Valid for 62.5 .. 110 uS and |V| <= 0.5 V. Source: Milo et al., IRPS
/// 2021, as in CrossSim.
double milo2021_current(double g, double volts);
/// dI/dV [S] of the same.
double milo2021_slope(double g, double volts);

struct Milo2021Params {
  PresetParams preset = preset_of({50 * units::kMicrosiemens, 225 * units::kMicrosiemens});
};
void fields(FieldVisitor& f, Milo2021Params& p);
void check_device(const Milo2021Params& p, const ConfigNode& table, const std::string& path);

/// See milo2021.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_milo2021(const Milo2021Params& params);
extern const char* const kMilo2021Manual;

}  // namespace ohmic::devices
