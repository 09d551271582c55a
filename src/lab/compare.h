#pragma once

#include <filesystem>

#include "lab/axis.h"
#include "lab/identity.h"
#include "lab/method_run.h"

/// Methods side by side: the same networks, the same chips, the same images.
namespace ohmic::lab {

/// One method at every training seed, on each hardware and at each point of the axes.
struct ComparedMethod {
  std::string name;
  std::vector<double> clean_accuracy;      ///< a training seed: the float network, test set
  std::vector<double> accuracy;            ///< seed x hardware x point x chip, test set
  std::vector<double> selection_accuracy;  ///< seed x hardware x point: validation images,
                                           ///< selection chips; empty without selection
  nn::Overhead overhead;
  double overhead_weights = 0, overhead_macs = 0;  ///< over those of the network
  std::int64_t verified = 0;                       ///< weights that are verified
  double seconds_a_chip = 0;
};

struct Comparison {
  std::vector<ComparedMethod> methods;
  std::vector<std::int64_t> seeds;
  std::vector<std::string> hardware;
  std::vector<Axis> axes;  ///< sigmas first; empty: one point, the config's
  Index chips = 0;
  std::size_t points() const { return grid_size(axes); }
  /// "sigma 0.5", "adc.bits 6", ...; "as configured" without axes.
  std::string words(std::size_t point) const;
  /// Chip-wise accuracies of method m, all seeds one after the other.
  std::vector<double> at(std::size_t method, std::size_t hardware, std::size_t point) const;
  /// The method with the highest mean selection accuracy there; none without selection.
  std::optional<std::size_t> best(std::size_t hardware, std::size_t point) const;
};

/// Makes the experiment of every point, so that what is wrong with one is told before the start.
/// Returns the notes on keys that hold at all of them.
std::vector<std::string> check_points(const Experiment& experiment);

/// Of all its points: their digests name their files.
ResultsIdentity compare_identity(const Experiment& experiment, const std::string& data_digest,
                                 InputFiles& files);

/// Measures what is missing under `folder`/points (a file a point) and reads the rest.
Comparison compare(const Experiment& experiment, const nn::Data& data, bool use_cache,
                   const std::filesystem::path& folder, InputFiles& files, const Console& console);

}  // namespace ohmic::lab
