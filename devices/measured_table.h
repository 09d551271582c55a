#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "devices/empirical.h"

namespace ohmic::devices {

/// What a user measured of a device: at every time, for every target, either mean and deviation or
/// raw samples. SI units.
struct MeasuredTable {
  struct AtTarget {
    double target = 0;                 ///< [S]
    double mean = 0, sigma = 0;        ///< [S] of normal conductances; of the samples (n - 1)
    std::optional<Empirical> samples;  ///< [S]; none: moments
  };
  struct AtTime {
    double seconds = 0;
    std::vector<AtTarget> targets;  ///< ascending
  };
  std::vector<AtTime> times;  ///< ascending; at least one
  bool has_samples = false;
};

/// How a table is to be understood.
struct MeasuredReading {
  std::string unit = {};                    ///< of columns without one; empty: they need one
  std::optional<double> read_voltage = {};  ///< [V], for currents
  bool clips_negative = false;              ///< read-outs below 0 count as 0
};

/// Reads a table. Text (io/text_table.h): the header names the columns and their units:
/// `target_uS, mean_uS, std_uS` or `target_uS, sample_uS`, and `time_s` where there are several
/// times; further columns are not read, with a remark that names them. Conductances come in S, as
/// currents in A or as resistances in Ohm with their prefixes, times in s, min, h or day. Without a
/// header, and of .npy and "file.h5:/path": the same columns in that order, two, three or four of
/// them (with the time last), in `unit` and seconds.
/// Throws FileError naming file, line and column (row and column of arrays) for anything that is
/// not a number, negative conductances, unsorted targets of moments, a target twice, fewer than two
/// targets or kLeastSamples samples of a target, and times with other targets; ConfigError for a
/// missing or unknown column or unit, a missing read voltage, a column that appears twice, samples
/// beside moments, and conductances above kMostSiemens (the place is named).
MeasuredTable read_measured_table(const std::filesystem::path& file,
                                  const MeasuredReading& reading);

inline constexpr std::size_t kLeastSamples = 20;
inline constexpr double kMostSiemens = 1;  ///< [S]; a metal wire: above it a unit is wrong

}  // namespace ohmic::devices
