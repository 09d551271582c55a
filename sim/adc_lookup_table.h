#pragma once

#include <filesystem>
#include <vector>

namespace ohmic::sim {

class Quantiser;

/// What silicon or SPICE says of one conversion: for every code that an ideal array and converter
/// would give, the mean and deviation of what comes out, in codes. It stands in place of device and
/// converter models.
struct LookupTable {
  std::filesystem::path file;
  int first = 0;  ///< code of the first entry
  std::vector<float> mean, sigma;

  /// Whether every code of the converter has an entry; ConfigError naming one that has none.
  void check_covers(const Quantiser& adc) const;
};

/// Reads a table of code, mean, std (one row per code, in any order; further named columns are not
/// read, with a remark). FileError at line and column for a code that is not a whole number or
/// stands twice, and a negative std; FileError for a code that is missing between others;
/// ConfigError at line and column for a moment beyond single precision.
LookupTable read_lookup_table(const std::filesystem::path& file);

}  // namespace ohmic::sim
