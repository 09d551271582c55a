#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/config.h"

/// What a comparison or a sweep varies: config keys and their values.
namespace ohmic::lab {

/// Numbers between two bounds, for samples.
struct Span {
  double from = 0, to = 1;
  bool is_logarithmic = false;
  /// The value at `fraction` (0 .. 1) of the way, twelve digits of it.
  double at(double fraction) const;
};

/// One key and the values that it takes; a table among them replaces the table at the key.
struct AxisKey {
  std::string key;                 ///< dotted: "device.sigma"
  std::vector<ConfigNode> values;  ///< distinct
  std::vector<std::string> names;  ///< of each value, for tables and files
  std::optional<Span> span = {};   ///< in place of values
  Origin origin = {};              ///< of the axis
  bool is_numeric() const;
  /// The values as numbers; only where is_numeric().
  std::vector<double> numbers() const;
};

/// One dimension: a key, or several that change together (zip).
struct Axis {
  std::vector<AxisKey> keys;
  std::size_t size() const { return keys.front().values.size(); }
};

/// Reads a list of axes at `path` ("compare.axes"): { key, values = [...] }, { key, from, to, step
/// }, { key, from, to, count, scale = "linear" | "log" }, { key, names = [...], values = [{...},
/// ...] }, or { zip = [axis, axis] }. Throws ConfigError naming the axis and what is wrong: no key,
/// no values, values that repeat or are beyond 10,000, zipped lists of different lengths, a key
/// that two axes have. With `may_be_spans`, { key, from, to, scale } alone is a span.
std::vector<Axis> read_axes(const ConfigNode& list, const std::string& path,
                            bool may_be_spans = false);
/// An axis over numbers that stand at `path` ("compare.sigmas").
Axis axis_of(const std::string& key, const std::vector<double>& values, const std::string& path);

/// Number of points of the grid that the axes span; 1 for none.
std::size_t grid_size(const std::vector<Axis>& axes);
/// Place of point `point` on every axis, the last axis changing fastest.
std::vector<std::size_t> places_of(const std::vector<Axis>& axes, std::size_t point);
/// What one key is at one point; `key` lives with its axis.
struct PointValue {
  const AxisKey* key;
  ConfigNode value;
  std::string name;
};
/// The values of point `point` of the grid, in the order of the axes.
std::vector<PointValue> values_at(const std::vector<Axis>& axes, std::size_t point);
/// Puts values into a config, tables before what stands in them. A value's errors name its place in
/// the file and its axis.
void apply_values(const std::vector<PointValue>& values, ConfigNode& root);
/// "device.sigma 0.5, adc.bits 6"; "" without values.
std::string point_words(const std::vector<PointValue>& values);
/// Both for a point of a grid.
void apply_point(const std::vector<Axis>& axes, std::size_t point, ConfigNode& root);
std::string point_words(const std::vector<Axis>& axes, std::size_t point);

}  // namespace ohmic::lab
