#pragma once

#include "devices/preset.h"

namespace ohmic::devices {

/// Laws of the cell, microsiemens and seconds.
enum class CmoAcceptance { fine, coarse };  ///< 0.2 % and 2 % of the range
double cmo_programming_sigma(CmoAcceptance acceptance, double g);
double cmo_relaxation_shift(double seconds);
double cmo_relaxation_sigma(double seconds);
double cmo_read_sigma(double g, double seconds);
/// Mean and deviation [uS] of a cell that was programmed to exactly `g`, after `seconds`, clipped
/// to the range [low, high].
struct CmoMoments {
  double mean = 0, sigma = 0;
};
CmoMoments cmo_moments_from(double g, double seconds, double low, double high);
/// The same of a cell that was programmed to the target `g`, with its programming error.
CmoMoments cmo_moments(CmoAcceptance acceptance, double g, double seconds, double low, double high);

struct CmoHfoxParams {
  PresetParams preset = preset_of({9 * units::kMicrosiemens, 88.199997 * units::kMicrosiemens});
  CmoAcceptance acceptance = CmoAcceptance::fine;
};
void fields(FieldVisitor& f, CmoHfoxParams& p);
void check_device(const CmoHfoxParams& p, const ConfigNode& table, const std::string& path);

/// See cmo_hfox.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_cmo_hfox(const CmoHfoxParams& params);
extern const char* const kCmoHfoxManual;

}  // namespace ohmic::devices
