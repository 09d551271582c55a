#pragma once

#include "devices/pcm_chain.h"

namespace ohmic::devices {

const PcmLaw& pcm_like_law();

struct PcmLikeParams {
  PresetParams preset = preset_of({0, 25 * units::kMicrosiemens});
};
void fields(FieldVisitor& f, PcmLikeParams& p);
void check_device(const PcmLikeParams& p, const ConfigNode& table, const std::string& path);

/// See pcm_like.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_pcm_like(const PcmLikeParams& params);
extern const char* const kPcmLikeManual;

}  // namespace ohmic::devices
