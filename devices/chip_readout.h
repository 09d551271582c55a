#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "devices/cell_params.h"

namespace ohmic::devices {

struct RealChipParams {
  CellParams cell = {};
  std::string file;  ///< as written in the config
};
void fields(FieldVisitor& f, RealChipParams& p);

/// Makes the device that a table describes, as devices/catalogue.h does.
using DeviceMaker = std::shared_ptr<const DeviceModel> (*)(const ConfigNode& table,
                                                           const std::string& path,
                                                           const std::filesystem::path& folder);

/// See chip_readout.cpp for the manual page. What it makes stands for all layers and programs none:
/// its read_out() has the model of each. A dumped
/// chip names its own device, which `make` makes.
std::shared_ptr<const DeviceModel> make_real_chip(const RealChipParams& params,
                                                  const std::filesystem::path& file,
                                                  DeviceMaker make);
extern const char* const kRealChipManual;

}  // namespace ohmic::devices
