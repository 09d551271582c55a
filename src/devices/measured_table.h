#pragma once

#include <filesystem>
#include <optional>
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

/// Reads a table. CSV: the first line that is no comment names the columns and their units:
/// `target_uS, mean_uS, std_uS` or `target_uS, sample_uS`, and `time_s` where there are several
/// times; conductances in uS, nS, mS or S, times in s, min, h or day. .npy and "file.h5:/path":
/// the same columns in that order, two, three or four of them (with the time last), in `unit` and
/// seconds. Throws FileError naming file and row for NaN, negative conductances, fewer than two
/// targets, unsorted targets of moments, a target twice, fewer than kLeastSamples samples of a
/// target, times with other targets, and ConfigError for an unknown
/// column or unit, a column that stands there twice, and samples beside moments.
MeasuredTable read_measured_table(const std::filesystem::path& file, const std::string& unit);

inline constexpr std::size_t kLeastSamples = 20;

}  // namespace ohmic::devices
