#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

/// TOML in, positions kept (toml++ behind this door). A ConfigNode is a plain value tree that can
/// be merged and written.
namespace ohmic {

/// Where a value was written: "run.toml:3:1", or "--set device.levels=3".
struct Origin {
  std::string place;
  std::string source_line;  ///< the line of the file, for the caret; empty for --set
  int column = 0;           ///< 1-based; 0 for --set
  std::string axis = {};    ///< "sweep.axes[1]": of a value that stands among those of an axis
};

class ConfigNode {
 public:
  using Array = std::vector<ConfigNode>;
  using Table = std::vector<std::pair<std::string, ConfigNode>>;  ///< in the order of the file
  std::variant<bool, std::int64_t, double, std::string, Array, Table> value = Table{};
  Origin origin;

  bool is_table() const { return std::holds_alternative<Table>(value); }
  bool is_array() const { return std::holds_alternative<Array>(value); }
  const Table& table() const { return std::get<Table>(value); }
  Table& table() { return std::get<Table>(value); }
  const Array& array() const { return std::get<Array>(value); }
  Array& array() { return std::get<Array>(value); }
  /// The child of that name, or null. Requires a table.
  const ConfigNode* find(std::string_view key) const&;
  ConfigNode* find(std::string_view key) &;
  const ConfigNode* find(std::string_view key) && = delete;  ///< the child would outlive its table
  /// Puts a child, replacing one of the same name in its place.
  void put(std::string key, ConfigNode child);
  /// "a boolean", "an integer", ... for messages.
  std::string_view kind() const;
};

/// Throws ConfigError "PLACE: MESSAGE", followed by the source line and a caret where there is one;
/// `key` is that of the value at fault.
[[noreturn]] void fail_at(const Origin& origin, const std::string& message,
                          const std::string& key = "");
/// What such an error is made of.
ConfigError::Parts error_parts(const Origin& origin, const std::string& message,
                               const std::string& key = "");
/// Where `key` was written in `table`; the table itself where it was not.
const Origin& origin_of(const ConfigNode& table, std::string_view key);

/// Parses a TOML file. FileError if it cannot be read (missing, a folder, larger than 16 MiB),
/// ConfigError where it is not TOML (a binary file, a syntax error) or empty.
ConfigNode read_config(const std::filesystem::path& file);
/// Parses TOML text that came from `name`.
ConfigNode parse_config(std::string_view text, const std::string& name);
/// Applies "device.levels=3": a dotted path, and a TOML value (a bare word is a string).
/// Intermediate tables are made; an array of tables is entered by the `name` of an element
/// ("override.first.adc.bits=6") or its index. A name may have dots of its own
/// ("network.layers.features.0.filters=8"): of several names that the path begins with the longest
/// is taken that leaves a key behind it (none has to be left where the value is a table, which
/// replaces the element). A part in double quotes is a name by itself. ConfigError if the
/// assignment cannot be parsed or a part of the path is not a table.
void apply_setting(ConfigNode& root, const std::string& assignment);
/// Puts a value at a dotted path, as apply_setting does; errors name the value's origin.
void put_at(ConfigNode& root, std::string_view key, ConfigNode value);
/// What stands where put_at would put a value that is not a table; null where nothing does.
const ConfigNode* find_at(const ConfigNode& root, std::string_view key);
/// `over`'s values put into `base`, table by table; arrays and scalars are replaced.
ConfigNode merged(const ConfigNode& base, const ConfigNode& over);
/// The child of that name, or an empty table where there is none.
const ConfigNode& table_at(const ConfigNode& table, std::string_view key);
/// The tree as TOML text, plain values before tables, numbers in the shortest form that reads back
/// to the same bits.
std::string to_toml(const ConfigNode& root);
/// One value as TOML on one line ("[1, 2]", "{ bits = 6 }").
std::string inline_toml(const ConfigNode& node);
/// The shortest decimal that reads back to the same double ("0.5", "1e-07").
std::string shortest(double value);
/// The candidate nearest to `word` by edit distance, or "" if none is near (for "did you mean").
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace ohmic
