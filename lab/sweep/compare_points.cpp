#include "lab/sweep/compare_points.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "lab/experiment/hardware_tables.h"
#include "lab/experiment/key_notes.h"

namespace ohmic::lab {
namespace {

/// Tables that may change between points of the same trained networks.
std::vector<std::string_view> varied_tables() {
  std::vector<std::string_view> keys;
  for (const HardwareTable& table : hardware_tables()) keys.push_back(table.key);
  keys.insert(keys.end(), {"time", "override"});
  return keys;
}

// Places of the axes that every comparison has.
enum Place : std::size_t { kMethod, kSeed, kHardware, kConfigAxes };
constexpr const char* kHardwareKey = "compare.hardware";

template <class T>
Axis words_axis(const std::string& key, const std::vector<T>& values) {
  AxisKey out{.key = key, .values = {}, .names = {}};
  Origin origin;
  origin.axis = "compare";
  for (const T& value : values) {
    out.values.push_back({value, origin});
    out.names.push_back(fmt::format("{}", value));
  }
  return {{out}};
}

std::vector<PointValue> config_values(const std::vector<PointValue>& values) {
  return {values.begin() + kConfigAxes, values.end()};
}

const std::string& word(const PointValue& value) {
  return std::get<std::string>(value.value.value);
}

/// The experiment with a training seed and values of the config's axes.
Experiment variant(const Experiment& base, const PointValue& seed,
                   const std::vector<PointValue>& values) {
  ConfigNode root = base.root;
  put_at(root, seed.key->key, seed.value);
  apply_values(values, root);
  Experiment e = make_experiment(root, {}, base.folder);
  e.name = base.name;
  e.origin = base.origin;
  return e;
}

/// The work at a point, given the experiment there and the one that trains.
PointWork work_of(const Experiment& base, const std::vector<PointValue>& values, Experiment there,
                  Experiment trained) {
  PointWork work{.measured = std::move(there), .trained = std::move(trained)};
  work.measured.run.method = work.trained->run.method = word(values[kMethod]);
  work.ideal_hardware = word(values[kHardware]) == "ideal";
  work.selection_chips = base.compare.selection_chips;
  work.selection_images = base.compare.selection_images;
  // What a comparison does not measure.
  work.measured.run.programmings_per_chip = work.measured.run.reads_per_programming = 1;
  work.measured.evaluation.budget_images = work.measured.evaluation.error_images = 0;
  work.measured.time.retention.clear();
  work.measured.sweep = {};
  return work;
}

void check_axes(const Experiment& base) {
  const std::vector<std::string_view> tables = varied_tables();
  for (const Axis& axis : base.compare.axes)
    for (const AxisKey& key : axis.keys) {
      const std::string table = key.key.substr(0, key.key.find('.'));
      if (std::find(tables.begin(), tables.end(), table) == tables.end())
        fail_at(key.values.front().origin,
                "a comparison trains once for all points, so its axes vary the hardware (" +
                    fmt::format("{}", fmt::join(tables, ", ")) + "), not " + key.key);
    }
}

std::string words_of(const std::vector<PointValue>& values) {
  std::string words = fmt::format("{}, seed {}, {} hardware", values[kMethod].name,
                                  values[kSeed].name, values[kHardware].name);
  if (values.size() > kConfigAxes) words += ", " + point_words(config_values(values));
  return words;
}

}  // namespace

std::vector<Axis> compare_axes(const CompareParams& params) {
  std::vector<Axis> axes{words_axis("method", params.methods),
                         words_axis("training.seed", params.training_seeds),
                         words_axis(kHardwareKey, params.hardware)};
  if (!params.sigmas.empty())
    axes.push_back(axis_of("device.sigma", params.sigmas, "compare.sigmas"));
  axes.insert(axes.end(), params.axes.begin(), params.axes.end());
  return axes;
}

PointValues compare_grid(const std::vector<Axis>& axes) {
  PointValues grid;
  for (std::size_t point = 0; point < grid_size(axes); ++point)
    grid.points.push_back(values_at(axes, point));
  return grid;
}

PointWork compare_work(const Experiment& base, const PointValues& grid, std::size_t point) {
  const std::vector<PointValue>& values = grid.points[point];
  return work_of(base, values, variant(base, values[kSeed], config_values(values)),
                 variant(base, values[kSeed], {}));
}

std::vector<PointPlan> check_compare(const Experiment& base, const PointValues& grid,
                                     const std::string& data_digest, InputFiles& files) {
  check_axes(base);
  std::vector<PointPlan> points;
  std::map<std::string, Experiment> trained;  // of each seed
  for (const std::vector<PointValue>& values : grid.points) {
    PointPlan point;
    point.words = words_of(values);
    try {
      auto seed = trained.find(values[kSeed].name);
      if (seed == trained.end())
        seed = trained.emplace(values[kSeed].name, variant(base, values[kSeed], {})).first;
      Experiment there = variant(base, values[kSeed], config_values(values));
      point.notes = key_notes(there, "compare");  // of all its methods
      there.compare.methods = {word(values[kMethod])};
      point.digest =
          compared_point_digest(there, seed->second, data_digest, word(values[kHardware]), files);
      name_shared_work(point, work_of(base, values, std::move(there), seed->second));
    } catch (const ConfigError& error) {
      // Values that are wrong beside each other are told at one of them, or in the base config.
      ConfigError::Parts parts = error.parts();
      if (values.size() == kConfigAxes || !parts.axis.empty()) throw;
      parts.context = "at " + point_words(config_values(values)) + " of compare.axes";
      throw ConfigError(parts);
    }
    points.push_back(std::move(point));
  }
  return points;
}

Comparison comparison_of(const Experiment& base, const GatheredPoints& gathered) {
  const CompareParams& params = base.compare;
  Comparison all;
  all.seeds = params.training_seeds;
  all.hardware = params.hardware;
  all.chips = base.run.chips;
  const std::vector<Axis> axes = compare_axes(params);
  all.axes.assign(axes.begin() + kConfigAxes, axes.end());
  std::size_t at = 0;
  for (const std::string& name : params.methods) {
    ComparedMethod method;
    method.name = name;
    for (std::size_t seed = 0; seed < all.seeds.size(); ++seed) {
      double clean = 0;
      for (std::size_t i = 0; i < all.hardware.size() * all.points(); ++i, ++at) {
        const PointResult& point = *gathered.points[at];
        method.accuracy.insert(method.accuracy.end(), point.accuracy.begin(), point.accuracy.end());
        if (point.selection_accuracy)
          method.selection_accuracy.push_back(*point.selection_accuracy);
        method.cells_within_tolerance.push_back(point.cells_within_tolerance);
        method.cells_gave_up.push_back(point.cells_gave_up);
        method.pulses.push_back(point.cost.pulses);
        clean = point.float_accuracy;
        method.cost = point.cost;
        method.overhead_weights = point.overhead_weights();
        method.overhead_macs = point.overhead_macs();
      }
      method.clean_accuracy.push_back(clean);
    }
    all.methods.push_back(std::move(method));
  }
  return all;
}

}  // namespace ohmic::lab
