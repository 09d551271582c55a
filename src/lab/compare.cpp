#include "lab/compare.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/h5.h"
#include "lab/key_notes.h"
#include "lab/work_folder.h"

namespace ohmic::lab {
namespace {

constexpr std::size_t kNoPoint = static_cast<std::size_t>(-1);

/// The experiment with another training seed, at one point of the axes.
Experiment variant(const Experiment& base, std::int64_t seed, const std::vector<Axis>& axes,
                   std::size_t point) {
  ConfigNode changed = base.root;
  apply_setting(changed, "training.seed=" + std::to_string(seed));
  if (point != kNoPoint) apply_point(axes, point, changed);
  Experiment e = make_experiment(changed, {}, base.folder);
  e.name = base.name;
  e.origin = base.origin;
  return e;
}

/// Tables of the hardware: what may change between points of the same trained networks.
constexpr std::array<std::string_view, 7> kHardwareTables{"device", "faults", "array",   "dac",
                                                          "adc",    "time",   "override"};

/// All axes, the short form of sigmas first.
std::vector<Axis> axes_of(const CompareParams& params) {
  std::vector<Axis> axes;
  if (!params.sigmas.empty())
    axes.push_back(axis_of("device.sigma", params.sigmas, "compare.sigmas"));
  axes.insert(axes.end(), params.axes.begin(), params.axes.end());
  return axes;
}

/// The digest of one point: one method and training seed on one hardware.
std::string point_digest(const Experiment& at_point, const Experiment& trained,
                         const std::string& data_digest, const std::string& method,
                         const std::string& hardware, InputFiles& files) {
  Experiment alone = at_point;
  alone.compare.methods = {method};
  return compared_point_digest(alone, trained, data_digest, hardware, files);
}

/// What a point's file holds.
struct ComparedPoint {
  std::vector<double> accuracy;  ///< chip
  std::vector<double> numbers;   ///< clean accuracy, selection, overheads, sizes, verified, seconds
};
constexpr std::size_t kNumbers = 8;

void write_compared(const std::filesystem::path& file, const std::string& digest,
                    const ComparedPoint& point) {
  h5::Writer out(file);
  out.attribute("/", "schema_version", kSchemaVersion);
  out.attribute("/", "point", digest);
  out.write("/accuracy", point.accuracy);
  out.write("/numbers", point.numbers);
  out.commit();
}

/// None where the file is damaged or holds another point. FileError where it cannot be read.
std::optional<ComparedPoint> read_compared(const std::filesystem::path& file,
                                           const std::string& digest, Index chips) {
  if (h5::condition_of(file) != h5::Condition::sealed) return std::nullopt;
  const h5::Reader in(file);
  if (in.string_attribute("/", "point") != digest) return std::nullopt;
  ComparedPoint point{in.doubles("/accuracy").values, in.doubles("/numbers").values};
  if (static_cast<Index>(point.accuracy.size()) != chips || point.numbers.size() != kNumbers)
    return std::nullopt;
  return point;
}

}  // namespace

std::string Comparison::words(std::size_t point) const {
  if (axes.empty()) return "as configured";
  std::string words = point_words(axes, point);
  const std::string lognormal = "device.sigma ";
  if (words.starts_with(lognormal)) words.erase(0, std::string("device.").size());
  return words;
}

std::vector<double> Comparison::at(std::size_t m, std::size_t h, std::size_t s) const {
  std::vector<double> out;
  const auto n = static_cast<std::size_t>(chips);
  for (std::size_t seed = 0; seed < seeds.size(); ++seed) {
    const auto first = methods[m].accuracy.begin() +
                       static_cast<Index>(((seed * hardware.size() + h) * points() + s) * n);
    out.insert(out.end(), first, first + chips);
  }
  return out;
}

std::optional<std::size_t> Comparison::best(std::size_t h, std::size_t s) const {
  std::optional<std::size_t> found;
  double highest = -1;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    if (methods[m].selection_accuracy.empty()) return std::nullopt;
    double sum = 0;
    for (std::size_t seed = 0; seed < seeds.size(); ++seed)
      sum += methods[m].selection_accuracy[(seed * hardware.size() + h) * points() + s];
    if (sum > highest) {
      highest = sum;
      found = m;
    }
  }
  return found;
}

std::vector<std::string> check_points(const Experiment& experiment) {
  const std::vector<Axis> axes = axes_of(experiment.compare);
  for (const Axis& axis : axes)
    for (const AxisKey& key : axis.keys) {
      const std::string table = key.key.substr(0, key.key.find('.'));
      if (std::find(kHardwareTables.begin(), kHardwareTables.end(), table) == kHardwareTables.end())
        fail_at(key.values.front().origin,
                "a comparison trains once for all points, so its axes vary the hardware (" +
                    fmt::format("{}", fmt::join(kHardwareTables, ", ")) + "), not " + key.key);
    }
  std::vector<std::vector<std::string>> notes;
  for (std::size_t point = 0; point < grid_size(axes); ++point) try {
      notes.push_back(key_notes(
          variant(experiment, experiment.compare.training_seeds.front(), axes, point), "compare"));
    } catch (const ConfigError& error) {
      // Values that are wrong beside each other are told at one of them, or in the base config.
      const std::string message = error.what();
      if (axes.empty() || message.find(": compare.") != std::string::npos ||
          message.starts_with("compare."))
        throw;
      throw ConfigError("at " + point_words(axes, point) + " of compare.axes: " + message);
    }
  return common_notes(notes);
}

ResultsIdentity compare_identity(const Experiment& experiment, const std::string& data_digest,
                                 InputFiles& files) {
  const CompareParams& params = experiment.compare;
  const std::vector<Axis> axes = axes_of(params);
  std::string digests;
  for (const std::int64_t seed : params.training_seeds) {
    const Experiment trained = variant(experiment, seed, axes, kNoPoint);
    for (std::size_t point = 0; point < grid_size(axes); ++point) {
      const Experiment e = variant(experiment, seed, axes, point);
      for (const std::string& method : params.methods)
        for (const std::string& hardware : params.hardware)
          digests += point_digest(e, trained, data_digest, method, hardware, files) + "\n";
    }
  }
  return identity_of(experiment, "compare", data_digest, files, digests);
}

Comparison compare(const Experiment& experiment, const nn::Data& data, bool use_cache,
                   const std::filesystem::path& folder, InputFiles& files, const Console& console) {
  const CompareParams& params = experiment.compare;
  Comparison all;
  all.seeds = params.training_seeds;
  all.hardware = params.hardware;
  all.chips = experiment.run.chips;
  all.axes = axes_of(params);
  const std::filesystem::path points = folder / "points";
  const nn::ImageList images = evaluated_images(experiment, data);
  for (const std::string& name : params.methods) {
    const MethodSet set = parse_method(name);
    ComparedMethod method{.name = name,
                          .clean_accuracy = {},
                          .accuracy = {},
                          .selection_accuracy = {},
                          .overhead = {}};
    for (const std::int64_t seed : params.training_seeds) {
      // Trainings are made when the first missing point of a seed asks for them.
      std::optional<PreparedMethod> prepared;
      const Experiment of_seed = variant(experiment, seed, all.axes, kNoPoint);
      double clean = 0;
      for (const std::string& hardware : params.hardware)
        for (std::size_t point = 0; point < all.points(); ++point) {
          const Experiment e = variant(experiment, seed, all.axes, point);
          const std::string digest = point_digest(e, of_seed, data.digest, name, hardware, files);
          const std::filesystem::path file = points / (digest + ".h5");
          std::optional<ComparedPoint> done;
          if (std::filesystem::exists(file)) {
            done = read_compared(file, digest, e.run.chips);
            if (!done) put_aside(file, console);
          }
          if (!done) {
            if (!prepared)
              prepared = prepare_method({.experiment = of_seed,
                                         .data = data,
                                         .options = of_seed.methods,
                                         .use_cache = use_cache,
                                         .folder = folder / ("seed-" + std::to_string(seed)),
                                         .console = console},
                                        set);
            const bool is_ideal = hardware == "ideal";
            const MethodResult result = run_method(
                *prepared, e, data,
                {.chips = e.run.chips, .images = images, .ideal_hardware = is_ideal}, console);
            double selection = 0;
            if (params.selection_chips > 0) {
              const MethodResult chosen =
                  run_method(*prepared, e, data,
                             {.population = devices::Population::selection,
                              .chips = params.selection_chips,
                              .images = data.validation.first(params.selection_images),
                              .ideal_hardware = is_ideal},
                             console);
              for (const double a : chosen.accuracy)
                selection += a / static_cast<double>(chosen.accuracy.size());
            }
            write_compared(
                file, digest,
                {result.accuracy,
                 {prepared->clean_accuracy, selection, static_cast<double>(result.overhead.weights),
                  static_cast<double>(result.overhead.macs),
                  static_cast<double>(prepared->base_weights),
                  static_cast<double>(prepared->base_macs), static_cast<double>(result.verified),
                  result.seconds_a_chip}});
            done = read_compared(file, digest, e.run.chips);
            ensure(done.has_value(), "a point that was just written cannot be read");
          }
          const auto& [accuracy, numbers] = *done;
          method.accuracy.insert(method.accuracy.end(), accuracy.begin(), accuracy.end());
          clean = numbers[0];
          if (params.selection_chips > 0) method.selection_accuracy.push_back(numbers[1]);
          method.overhead = {static_cast<Index>(numbers[2]), static_cast<Index>(numbers[3])};
          method.overhead_weights = numbers[2] / numbers[4];
          method.overhead_macs = numbers[3] / numbers[5];
          method.verified = static_cast<std::int64_t>(numbers[6]);
          method.seconds_a_chip = numbers[7];
          double mean = 0;
          for (const double a : accuracy) mean += a / static_cast<double>(accuracy.size());
          console.say("{:<28} seed {} {:<6} {}: {} %\n", name, seed, hardware, all.words(point),
                      per_cent(mean));
        }
      method.clean_accuracy.push_back(clean);
    }
    all.methods.push_back(std::move(method));
  }
  return all;
}

}  // namespace ohmic::lab
