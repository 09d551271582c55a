#pragma once

#include <filesystem>
#include <vector>

#include "devices/empirical.h"

namespace ohmic::devices {

/// Measured steps of conductance under one set (up) or reset (down) pulse, level by level.
struct JumpTable {
  struct Level {
    double g = 0;     ///< [S]
    Empirical steps;  ///< [S], signed
  };
  std::vector<Level> set, reset;  ///< ascending in g

  /// The step [S] of one pulse at conductance g: the quantile u in (0, 1) of the measured steps,
  /// linear between the two nearest levels; beyond the last level, that level's.
  double step(double g, bool is_set, double u) const;
};

/// Reads a text table (io/text_table.h) whose columns are level_UNIT, direction (set or reset, 1
/// or -1) and step_UNIT (signed), one pulse per row; units S, mS, uS, nS. Further columns are not
/// read, with a remark that names them. FileError naming line and column for anything that is not a
/// number, a direction that is none, fewer than 5 steps of a level, or no level of a direction;
/// ConfigError for a missing column, an unknown unit, and more than 1 S.
JumpTable read_jump_table(const std::filesystem::path& file);

}  // namespace ohmic::devices
