#pragma once

#include <filesystem>
#include <functional>

#include "devices/device_model.h"
#include "io/fields.h"

namespace ohmic::devices {

/// One device model that a config can name.
struct CatalogueEntry {
  std::string_view name;
  std::string_view summary;  ///< one line
  const char* manual;        ///< physics, formula, source, range of validity
  std::function<std::vector<FieldManual>()> keys;
  std::function<std::shared_ptr<const DeviceModel>(const ConfigNode& table, const std::string& path,
                                                   const std::filesystem::path& folder)>
      make;
  /// What there is to say of the model's own keys in a table that `make` accepts.
  std::function<void(const ConfigNode& table, const std::string& path, std::vector<KeyNote>&)>
      find_notes;
  bool needs_file = false;  ///< made from the user's own measurements
};

/// The one list of models.
const std::vector<CatalogueEntry>& catalogue();

/// The model that a table [device] describes: `model` names it (default "ideal"), its own keys
/// stand beside. `path` is the table's place in the config ("device"); files that it names lie
/// relative to `folder`. Throws ConfigError, FileError.
std::shared_ptr<const DeviceModel> make_device(const ConfigNode& table, const std::string& path,
                                               const std::filesystem::path& folder = {});
/// What there is to say of the keys of a table that make_device() accepts.
void find_device_notes(const ConfigNode& table, const std::string& path,
                       std::vector<KeyNote>& notes);

}  // namespace ohmic::devices
