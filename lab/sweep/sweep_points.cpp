#include "lab/sweep/sweep_points.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/parallel.h"
#include "io/digest.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/former_names.h"
#include "lab/experiment/identity.h"
#include "lab/experiment/key_notes.h"
#include "lab/study/check_methods.h"
#include "lab/study/deploy.h"
#include "lab/study/dry_run.h"

namespace ohmic::lab {
namespace {

constexpr std::size_t kMostPoints = 1'000'000;

/// Fractions in (0, 1) along axis `axis` of every point.
std::vector<double> fractions(const SweepSample& sample, std::size_t axis) {
  const RandomStream stream(static_cast<std::uint64_t>(sample.seed));
  const auto n = static_cast<std::size_t>(sample.points);
  std::vector<double> u(n);
  stream.uniforms(sample_address({.axis = axis}), 0, u);
  if (sample.kind == SweepSample::Kind::random) return u;
  std::vector<double> key(n);
  stream.uniforms(sample_address({.axis = axis, .part = 1}), 0, key);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(key[a], a) < std::pair(key[b], b);
  });
  for (std::size_t stratum = 0; stratum < n; ++stratum) {
    double& fraction = u[order[stratum]];
    fraction = (static_cast<double>(stratum) + fraction) / static_cast<double>(n);
  }
  return u;
}

/// The error with the point that it is about: in front where no axis gave the value, else behind
/// the message where several values meet.
ConfigError at_point(const std::vector<PointValue>& values, ConfigError::Parts parts) {
  const std::string words = point_words(values);
  // Numbers of a span are drawn anywhere in it.
  if (parts.wants_integer && std::any_of(values.begin(), values.end(), [](const PointValue& v) {
        return v.key->span.has_value();
      }))
    parts.message += "; say step = 1 on its axis for whole numbers";
  if (parts.axis.empty())
    parts.context = "at " + words + " of sweep.axes";
  else if (values.size() > 1)
    parts.message += " (at " + words + ")";
  return ConfigError(parts);
}

}  // namespace

PointValues sweep_grid(const Experiment& base) {
  const SweepParams& sweep = base.sweep;
  if (sweep.axes.empty())
    throw ConfigError(base.origin.place +
                      ": sweep.axes is missing; say [sweep] axes = [ { key = \"device.sigma\", "
                      "values = [0.1, 0.3, 0.5] } ]");
  PointValues grid;
  grid.is_sampled = sweep.sample.kind != SweepSample::Kind::grid;
  for (const Axis& axis : sweep.axes)
    for (const AxisKey& key : axis.keys)
      if (!key.span && key.values.empty())
        fail_at(key.origin, "the axis over " + key.key + " has no values");
  if (!grid.is_sampled) {
    double size = 1;
    for (const Axis& axis : sweep.axes) size *= static_cast<double>(axis.size());
    if (size > static_cast<double>(kMostPoints))
      fail_at(sweep.axes.front().keys.front().origin,
              "sweep.axes span " + shortest(size) + " points, more than 1000000");
    for (std::size_t point = 0; point < grid_size(sweep.axes); ++point)
      grid.points.push_back(values_at(sweep.axes, point));
    return grid;
  }
  grid.points.resize(static_cast<std::size_t>(sweep.sample.points));
  for (std::size_t a = 0; a < sweep.axes.size(); ++a) {
    const std::vector<double> along = fractions(sweep.sample, a);
    for (std::size_t point = 0; point < grid.points.size(); ++point)
      for (const AxisKey& key : sweep.axes[a].keys) {
        if (key.span) {
          const double value = key.span->at(along[point]);
          grid.points[point].push_back({&key, {value, key.origin}, shortest(value)});
          continue;
        }
        const auto place = std::min(
            static_cast<std::size_t>(along[point] * static_cast<double>(key.values.size())),
            key.values.size() - 1);
        grid.points[point].push_back({&key, key.values[place], key.names[place]});
      }
  }
  return grid;
}

Experiment point_experiment(const Experiment& base, const PointValues& grid, std::size_t point) {
  ConfigNode root = base.root;
  if (ConfigNode* sweep = root.find("sweep"); sweep && sweep->is_table())
    std::erase_if(sweep->table(), [](const auto& entry) { return entry.first == "axes"; });
  apply_values(grid.points[point], root);
  Experiment e = make_experiment(root, {}, base.folder);
  e.name = base.name;
  e.origin = base.origin;
  if (!e.sweep.measures("error_budget")) e.evaluation.budget_images = 0;
  if (!e.sweep.measures("layers")) e.evaluation.error_images = 0;
  e.time.retention.clear();  // a curve of `ohmic run` alone
  if (e.sweep.independent_points) {
    // Names of keys may change, draws do not.
    const std::string name = digest(to_toml(with_former_names(resolved_root(e, "run"))));
    std::array<std::uint32_t, 4> counter{};
    for (std::size_t word = 0; word < 4; ++word)
      counter[word] = static_cast<std::uint32_t>(std::stoul(name.substr(8 * word, 8), nullptr, 16));
    const auto seed = static_cast<std::uint64_t>(e.run.seed);
    const auto words =
        philox(counter, {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    e.run.seed = static_cast<std::int64_t>((static_cast<std::uint64_t>(words[1]) << 32 | words[0]) &
                                           0x7fff'ffff'ffff'ffffu);
  }
  return e;
}

std::vector<PointPlan> check_sweep(const Experiment& base, const PointValues& grid,
                                   DataSets& data) {
  std::vector<PointPlan> points(grid.points.size());
  std::vector<const nn::Data*> of(points.size());
  InputFiles files;
  // Data sets are read one after the other; what is left of each point is its own.
  const auto named = [&](std::size_t i, const auto& work) {
    try {
      work();
    } catch (const ConfigError& error) {
      throw at_point(grid.points[i], error.parts());
    } catch (const ShapeError& error) {
      throw ShapeError("at " + points[i].words + " of sweep.axes: " + error.what());
    } catch (const FileError& error) {
      throw FileError("at " + points[i].words + " of sweep.axes: " + error.what());
    }
  };
  for_each_block(static_cast<Index>(points.size()), [&](Index at) {
    const auto i = static_cast<std::size_t>(at);
    named(i, [&] {
      points[i].words = point_words(grid.points[i]);
      const PointWork work{.measured = point_experiment(base, grid, i)};
      require_network(work.measured);
      name_shared_work(points[i], work);
      points[i].notes = key_notes(work.measured, "sweep");
    });
  });
  std::set<std::string> networks, cells;
  for (std::size_t i = 0; i < points.size(); ++i)
    named(i, [&] {
      const bool is_new_network = networks.insert(points[i].network).second,
                 is_new_cells = cells.insert(points[i].cells).second;
      const Experiment e = point_experiment(base, grid, i);
      of[i] = &data.of(e);
      check_images(e, *of[i]);
      if (!is_new_network && !is_new_cells) return;
      const nn::Network network = described_network(e, of[i]->shape(), of[i]->classes());
      if (is_new_network) check_methods(e, network, {e.run.method});
      refuse_beyond_memory(estimate_work(e, network, *of[i], false), e);
      sketch_plan(e, network);
    });
  for_each_block(static_cast<Index>(points.size()), [&](Index at) {
    const auto i = static_cast<std::size_t>(at);
    named(i, [&] {
      const Experiment e = point_experiment(base, grid, i);
      points[i].digest = sweep_point_digest(e, of[i]->digest, files);
    });
  });
  if (grid.is_sampled) return points;
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (const auto [first, is_new] = seen.emplace(points[i].digest, i); !is_new)
      fail_at(grid.points[i].front().key->origin,
              "points " + std::to_string(first->second) + " (" + points[first->second].words +
                  ") and " + std::to_string(i) + " (" + points[i].words +
                  ") are the same experiment: an axis changes nothing there; zip axes that belong "
                  "together");
  return points;
}

}  // namespace ohmic::lab
