#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/fields.h"
#include "sim/crossbar.h"

/// The tables of a config that describe hardware, in one list: reading, checks, identity, notes,
/// the manual and overrides walk it (docs/adding_a_table.md).
namespace ohmic::lab {

struct HardwareTable {
  std::string_view key;  ///< "faults": at the top of the file, and in [[override]]
  /// Whether its keys say what programmed cells hold (but for those that are `when_read`); a
  /// training for the device reads such tables and no others.
  bool says_cells = false;
  /// Of a table that says no cells: whether those of a bias row depend on it.
  bool says_bias_row = false;
  /// An override that names this key starts from its defaults; "": it is merged into the base.
  std::string_view starts_anew = "";
  /// Reads the table into `hardware` and checks it; files lie relative to `folder`. ConfigError,
  /// FileError.
  void (*read)(const ConfigNode& table, const std::filesystem::path& folder,
               sim::LayerHardware& hardware);
  /// What identity and the echo of a config say of it; an empty table where it has no part.
  ConfigNode (*write)(const sim::LayerHardware& hardware);
  /// Adds what there is to say of its keys; of an override, `merged` is what was read and `own`
  /// what it wrote.
  void (*find_notes)(const ConfigNode& own, const ConfigNode& merged, const std::string& path,
                     const sim::LayerHardware& hardware, std::vector<KeyNote>& notes);
  /// Its keys, by who has them: ("device lognormal", fields); "" where there is one kind.
  std::vector<std::pair<std::string, std::vector<FieldManual>>> (*keys)();
};
const std::vector<HardwareTable>& hardware_tables();
/// Null where `key` is none.
const HardwareTable* hardware_table(std::string_view key);

/// The hardware tables that stand in `root`, as written; those that are missing are empty.
ConfigNode hardware_part(const ConfigNode& root);
/// `over`'s tables put into `base`. ConfigError where one is not a table.
ConfigNode overridden(ConfigNode base, const ConfigNode& over);
/// The hardware that such tables describe. ConfigError for values that do not fit together.
sim::LayerHardware read_hardware(const ConfigNode& tables, const std::filesystem::path& folder);

}  // namespace ohmic::lab
