#pragma once

#include <filesystem>

#include "devices/cell_params.h"
#include "devices/measured_table.h"

namespace ohmic::devices {

struct MeasuredParams {
  CellParams cell = {};
  std::string file;                    ///< as written in the config
  std::string file_unit;               ///< of conductances in a file without column names
  std::optional<double> read_voltage;  ///< [V] of read-outs that are currents
  bool clips_negative = false;         ///< read-outs below 0 count as 0
};
void fields(FieldVisitor& f, MeasuredParams& p);

/// See measured.cpp for the manual page. Throws what read_measured_table() throws, and ConfigError
/// where the table does not cover the cell's range.
std::shared_ptr<const DeviceModel> make_measured(const MeasuredParams& params,
                                                 const std::filesystem::path& file);
extern const char* const kMeasuredManual;

}  // namespace ohmic::devices
