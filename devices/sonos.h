#pragma once

#include "devices/preset.h"

namespace ohmic::devices {

/// Mean [nA] and deviation [nA] of the current `seconds` after programming to `target` [nA].
struct SonosState {
  double mean = 0, sigma = 0;
};
SonosState sonos_state(double target, double seconds);
/// Deviation [nA] of one read of a cell that carries `current` [nA].
double sonos_read_sigma(double current);
/// Conductance [uS] of one nanoampere at the read voltage of .1 V.
inline constexpr double kSonosMicrosiemensPerNanoampere = 0.01;

struct SonosParams {
  PresetParams preset = preset_of({0, 16 * units::kMicrosiemens});
  bool reads_noisily = true;
};
void fields(FieldVisitor& f, SonosParams& p);
void check_device(const SonosParams& p, const ConfigNode& table, const std::string& path);

/// See sonos.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_sonos(const SonosParams& params);
extern const char* const kSonosManual;

}  // namespace ohmic::devices
