#pragma once

#include "devices/cell_params.h"

namespace ohmic::devices {

struct IdealParams {
  CellParams cell = {};
};
void fields(FieldVisitor& f, IdealParams& p);

/// See ideal.cpp for the manual page.
std::shared_ptr<const DeviceModel> make_ideal(const IdealParams& params);
extern const char* const kIdealManual;

}  // namespace ohmic::devices
