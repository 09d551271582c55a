#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/statistics.h"

/// Measurements over points, as results files hold them, and what a report says of each point.
namespace ohmic::lab {

/// The values of a config key, or of what else varies (method, chip), in the file's order.
struct AxisValues {
  std::string key, units;
  std::vector<std::string> words;  ///< every value as text
  std::vector<double> numbers;     ///< empty where the values are words
  std::size_t size() const { return words.size(); }
  bool is_numeric() const { return !numbers.empty(); }
  /// "time.at_s [s]"; the key alone without units.
  std::string label() const;
};
AxisValues axis_of_numbers(const std::string& key, const std::vector<double>& numbers);

/// One dimension of the points: a key, several that change together, or the keys of a sample.
struct Dimension {
  std::vector<AxisValues> keys;
  bool is_sample = false;  ///< points drawn in the space of the keys
  std::size_t size() const { return keys.front().size(); }
  /// "device.sigma 0.5": every key with its value.
  std::string words(std::size_t place) const;
};

/// A quantity measured at every point on every sample; NaN: not measured.
struct Metric {
  std::string name;
  std::vector<double> values;  ///< point x sample
};

/// Accuracy at one point over its samples; NaN where nothing was measured.
struct PointSummary {
  std::size_t samples = 0;
  double mean, deviation, fifth_percentile, worst;
  Interval interval;       ///< 95 %, of the mean; of a comparison: for these trainings
  Interval of_percentile;  ///< of the fifth percentile
  Interval new_training = kUnknownInterval;  ///< of a comparison: of the mean for a new training
};
/// Of values of any kind, `trainings` times those of the same chips one after the other.
PointSummary summary_of(const std::vector<double>& values, const RandomStream& stream,
                        std::uint64_t statistic, std::size_t trainings = 1);
/// The same of accuracies: no interval leaves 0 .. 1.
PointSummary accuracy_summary(const std::vector<double>& accuracy, const RandomStream& stream,
                              std::uint64_t statistic, std::size_t trainings = 1);

struct PointGrid {
  std::string name;                      ///< "config hardware"; "" where there is one grid only
  std::vector<std::string> hardware;     ///< its hardware, of a comparison; else empty
  std::vector<Dimension> dimensions;     ///< the last changes fastest; none: one point
  std::optional<std::size_t> method;     ///< the dimension of methods, of a comparison
  std::vector<AxisValues> sample_axes;   ///< what tells the samples of a point apart
  std::vector<Metric> metrics;           ///< accuracy (a fraction) first
  std::vector<std::uint64_t> statistic;  ///< per point: where its interval's bootstrap draws
  // A point each, empty where the file does not say.
  std::vector<double> float_accuracy, overhead_weights, overhead_macs, validation_accuracy;
  std::vector<std::string> other_costs;  ///< of a comparison: "2 copies, 512 images"
  std::vector<std::int64_t> status;      ///< 0 done, 1 failed, 2 missing
  std::vector<std::string> message;      ///< why a point failed; may be empty
  std::vector<PointSummary> summaries;   ///< of accuracy; made by summarise()

  std::size_t points() const;
  std::size_t samples() const;
  std::size_t trainings() const;  ///< that every point has; 1 outside of comparisons
  std::vector<std::size_t> places(std::size_t point) const;
  std::size_t point(const std::vector<std::size_t>& places) const;
  /// "device.sigma 0.5, adc.bits 6"; "as configured" without dimensions. `leave_out` names a
  /// dimension that is not told.
  std::string words(std::size_t point, std::optional<std::size_t> leave_out = {}) const;
  /// The values of a metric that were measured at a point.
  std::vector<double> measured(const Metric& metric, std::size_t point) const;
};

/// Fills the summaries of all points.
void summarise(PointGrid& grid, const RandomStream& stream);
/// The measured points of a summarised grid, the highest mean first.
std::vector<std::size_t> best_first(const PointGrid& grid);

/// Accuracy of every sample, averaged over the points at the given places (none: over the whole
/// dimension). Points without values are left aside, and so are samples that not all of the others
/// have, so that every mean is over the same points.
std::vector<double> averaged(const PointGrid& grid,
                             const std::vector<std::optional<std::size_t>>& places);

}  // namespace ohmic::lab
