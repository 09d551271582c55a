#pragma once

#include "devices/pcm_chain.h"

namespace ohmic::devices {

/// Devices in parallel that hold one polarity of a weight.
const PcmLaw& hermes_law(std::int64_t devices);

struct HermesParams {
  PresetParams preset;
  std::int64_t devices = 2;
};
HermesParams hermes_of(std::int64_t devices);

/// See hermes.cpp for the manual page. The catalogue has hermes (two devices) and hermes_single.
struct HermesPairParams : HermesParams {
  HermesPairParams() : HermesParams(hermes_of(2)) {}
};
struct HermesSingleParams : HermesParams {
  HermesSingleParams() : HermesParams(hermes_of(1)) {}
};
void fields(FieldVisitor& f, HermesPairParams& p);
void fields(FieldVisitor& f, HermesSingleParams& p);
void check_device(const HermesParams& p, const ConfigNode& table, const std::string& path);
std::shared_ptr<const DeviceModel> make_hermes(const HermesPairParams& params);
std::shared_ptr<const DeviceModel> make_hermes_single(const HermesSingleParams& params);
extern const char* const kHermesManual;

}  // namespace ohmic::devices
