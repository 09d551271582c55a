#pragma once

#include "devices/pcm_chain.h"

namespace ohmic::devices {

struct StateIndependentParams {
  PresetParams preset = preset_of({0, 25 * units::kMicrosiemens});
  double sigma = 0.2e-6;  ///< [S] of programming
  double drift_mean = 0.1, drift_sigma = 0.05;
  double read_scale = 1;
};
PcmLaw state_independent_law(const StateIndependentParams& p);
void fields(FieldVisitor& f, StateIndependentParams& p);
void check_device(const StateIndependentParams& p, const ConfigNode& table,
                  const std::string& path);

/// See state_independent.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_state_independent(const StateIndependentParams& params);
extern const char* const kStateIndependentManual;

}  // namespace ohmic::devices
