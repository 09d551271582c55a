#pragma once

#include "devices/cell_params.h"

namespace ohmic::devices {

struct UniformParams {
  CellParams cell = {};
  double width = 0.1;  ///< fraction: full width of the distribution
  RelativeTo width_of = RelativeTo::g_max;
};
void fields(FieldVisitor& f, UniformParams& p);

/// See uniform.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_uniform(const UniformParams& params);
extern const char* const kUniformManual;

}  // namespace ohmic::devices
