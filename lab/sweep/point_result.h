#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/matrix.h"
#include "lab/methods/method.h"

/// What one point of a sweep measured, and its file.
namespace ohmic::lab {

struct PointResult {
  std::vector<double> accuracy, top5_accuracy,
      loss;                   ///< per chip: mean over programmings and reads
  double float_accuracy = 0;  ///< of the network without hardware
  MethodCost cost;            ///< of a chip, beside the network
  nn::Overhead network;       ///< the network's own weights and MACs
  /// How verifying loops ended in the cells of all chips; both 0 without one.
  std::int64_t cells_within_tolerance = 0, cells_gave_up = 0;
  /// Mean over selection chips on validation images, where it was asked for.
  std::optional<double> selection_accuracy = {};
  std::vector<std::pair<std::string, std::vector<double>>> budget;  ///< line, accuracy of each chip
  std::vector<std::string> layers;             ///< products, where their errors were measured
  Matrix<double> accumulated_db, isolated_db;  ///< layer x chip
  double seconds = 0;                          ///< wall time: provenance, not a result
  std::string host = {}, arithmetic = {};      ///< where it was measured
  double overhead_weights() const;             ///< over those of the network
  double overhead_macs() const;
};

/// A file that is not what was written; one that cannot be read is a FileError of another kind.
class DamagedPoint : public FileError {
 public:
  using FileError::FileError;
};

/// Writes the file of a point whole (temporary name, fsync, rename), sealed. FileError.
void write_point(const std::filesystem::path& file, const std::string& digest,
                 const PointResult& result);
/// Reads it. DamagedPoint where it is none, holds another point, or is not as it was written;
/// FileError where it cannot be read.
PointResult read_point(const std::filesystem::path& file, const std::string& digest);

}  // namespace ohmic::lab
