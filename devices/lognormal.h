#pragma once

#include "devices/cell_params.h"

namespace ohmic::devices {

struct LognormalParams {
  CellParams cell = {};
  double sigma = 0.5;  ///< deviation of theta at every programming (cycle to cycle)
  double sigma_device =
      0.0;  ///< deviation of the part of theta that stays with the device (device to device)
  bool on_device = false;  ///< false: on the weight, as in the paper
  bool mean_corrected = false;
  bool clip = false;
};
void fields(FieldVisitor& f, LognormalParams& p);

/// See lognormal.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_lognormal(const LognormalParams& params);
extern const char* const kLognormalManual;

}  // namespace ohmic::devices
