#pragma once

#include "devices/cell_params.h"

namespace ohmic::devices {

struct GaussianParams {
  CellParams cell = {};
  double sigma = 0.05;        ///< fraction, drawn at every programming (cycle to cycle)
  double sigma_device = 0.0;  ///< fraction, stays with the device (device to device)
  RelativeTo sigma_of = RelativeTo::g_max;
  bool clip = false;
};
void fields(FieldVisitor& f, GaussianParams& p);

/// See gaussian.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_gaussian(const GaussianParams& params);
extern const char* const kGaussianManual;

}  // namespace ohmic::devices
