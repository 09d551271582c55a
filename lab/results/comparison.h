#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "lab/experiment/axis.h"
#include "lab/methods/method.h"

/// What a comparison of methods measured.
namespace ohmic::lab {

/// 95 % intervals for a mean over trainings x chips, where every training has the same chips.
struct TrainingIntervals {
  Interval given;         ///< for these trainings: chips are a sample (chip means resampled)
  Interval new_training;  ///< for the mean over trainings and chips, both a sample: never inside
                          ///< the former; unknown for one training
};
TrainingIntervals training_intervals(const std::vector<double>& values, std::size_t trainings,
                                     const RandomStream& stream, std::uint64_t statistic);

/// One method at every training seed, on each hardware and at each point of the axes.
struct ComparedMethod {
  std::string name;
  std::vector<double> clean_accuracy;      ///< per training seed: the float network, test set
  std::vector<double> accuracy;            ///< seed x hardware x point x chip, test set
  std::vector<double> selection_accuracy;  ///< seed x hardware x point: validation images,
                                           ///< selection chips; empty without selection
  /// Seed x hardware x point: how verifying loops ended in the cells of all chips.
  std::vector<std::int64_t> cells_within_tolerance, cells_gave_up;
  std::vector<double> pulses;  ///< seed x hardware x point: MethodCost::pulses there
  MethodCost cost;             ///< of a chip, beside the network
  double overhead_weights = 0, overhead_macs = 0;  ///< over those of the network
  bool is_verified() const;                        ///< whether loops programmed cells anywhere
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

}  // namespace ohmic::lab
