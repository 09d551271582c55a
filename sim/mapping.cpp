#include "sim/mapping.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/statistics.h"

namespace ohmic::sim {

void fields(FieldVisitor& f, ArrayParams& p) {
  f.field({.key = "rows", .meaning = "word lines of a tile", .low = 1, .high = 16384}, p.rows);
  f.field({.key = "columns",
           .meaning = "physical bit lines of a tile; a differential pair takes two",
           .low = 1,
           .high = 16384},
          p.columns);
  f.field({.key = "mapping", .meaning = "how a signed weight becomes conductances"}, p.mapping,
          {"differential", "differential_two_sided", "offset"});
  f.field({.key = "subtraction",
           .meaning = "of a pair's currents: before one ADC (analog) or after two (digital)",
           .when_read = true,
           .idle = p.mapping == Mapping::offset ? "mapping \"offset\" has no pairs" : ""},
          p.subtraction, {"analog", "digital"});
  f.field({.key = "scale", .meaning = "what shares one full-scale weight"}, p.scale,
          {"layer", "tile", "column"});
  f.field({.key = "scale_percentile",
           .meaning = "full-scale weight as a percentile of |w|; weights beyond are clipped",
           .unit = "fraction",
           .low = 0.5,
           .high = 1,
           .low_open = true},
          p.scale_percentile);
  f.field({.key = "row_partition",
           .meaning = "rows of a layer's tiles: as even as possible, full tiles first, or a list",
           .low = 1,
           .one_of = {"equal", "full"}},
          p.row_partition);
  f.field({.key = "bias",
           .meaning = "added exactly and digitally, or stored in an extra row of cells",
           .when_read = true,  // training leaves biases digital
           .read_by = {"run", "compare", "search", "sweep"}},
          p.bias, {"digital", "row"});
  f.field({.key = "read_voltage_v",
           .meaning = "word-line voltage at full scale",
           .unit = "V",
           .low = 1e-6,
           .high = 100,
           .when_read = true},
          p.read_voltage);
}

MappingRule::MappingRule(Mapping mapping, double g_min, double g_max,
                         std::optional<std::int64_t> levels)
    : mapping_(mapping), g_min_(g_min), g_max_(g_max), levels_(levels) {
  const double range = g_max - g_min;
  if (mapping == Mapping::differential) {
    unit_ = range;
  } else if (mapping == Mapping::differential_two_sided) {
    unit_ = range;  // the pair moves by half the range each
  } else {
    // One level stays unused, so that u = 0 is a level.
    const double used =
        levels ? range * static_cast<double>(*levels - 2) / static_cast<double>(*levels - 1)
               : range;
    unit_ = 0.5 * used;
    centre_ = g_max - 0.5 * used;
  }
}

MappingRule::Pair MappingRule::exact(double u) const {
  switch (mapping_) {
    case Mapping::differential:
      return {g_min_ + unit_ * std::max(u, 0.0), g_min_ + unit_ * std::max(-u, 0.0)};
    case Mapping::differential_two_sided:
      return {g_min_ + unit_ * (1 + u) / 2, g_min_ + unit_ * (1 - u) / 2};
    default:
      return {centre_ + unit_ * u, 0.0};
  }
}

MappingRule::Pair MappingRule::quantised(Pair pair) const {
  if (!levels_) return pair;
  const double steps = static_cast<double>(*levels_ - 1), range = g_max_ - g_min_;
  // A tie counts as one at float precision: so both devices of a two-sided pair round alike for a
  // weight of almost 0.
  const auto nearest_level = [&](double g) {
    const auto position =
        static_cast<float>((std::clamp(g, g_min_, g_max_) - g_min_) * steps / range);
    return std::nearbyint(position) * range / steps + g_min_;
  };
  return {nearest_level(pair.positive),
          mapping_ == Mapping::offset ? 0.0 : nearest_level(pair.negative)};
}

double MappingRule::weight(Pair pair) const {
  if (mapping_ == Mapping::offset) return unit_ == 0 ? 0.0 : (pair.positive - centre_) / unit_;
  return (pair.positive - pair.negative) / unit_;
}

double weight_limit(ConstView<float> w, double percentile) {
  double largest = 0;
  if (percentile >= 1) {
    for (Index r = 0; r < w.rows(); ++r)
      for (Index c = 0; c < w.columns(); ++c)
        largest = std::max(largest, std::fabs(static_cast<double>(w(r, c))));
    return largest;
  }
  std::vector<double> all;
  all.reserve(static_cast<std::size_t>(w.size()));
  for (Index r = 0; r < w.rows(); ++r)
    for (Index c = 0; c < w.columns(); ++c) all.push_back(std::fabs(static_cast<double>(w(r, c))));
  return quantile(all, percentile);
}

std::vector<Range> partition(Index count, Index most, const WordOrIntegers& rule,
                             const std::string& layer) {
  std::vector<Range> tiles;
  const auto append = [&](Index size) {
    const Index begin = tiles.empty() ? 0 : tiles.back().end;
    tiles.push_back({begin, begin + size});
  };
  if (!rule.list.empty()) {
    Index sum = 0;
    for (const std::int64_t size : rule.list) {
      if (size > most)
        throw ShapeError("layer " + layer + ": array.row_partition has a tile of " +
                         std::to_string(size) + " rows, but array.rows = " + std::to_string(most));
      append(size);
      sum += size;
    }
    if (sum != count)
      throw ShapeError("layer " + layer + ": array.row_partition sums to " + std::to_string(sum) +
                       " rows, but the layer has " + std::to_string(count));
    return tiles;
  }
  const Index n = (count + most - 1) / most;
  for (Index t = 0; t < n; ++t)
    append(rule.word == "full" ? std::min(most, count - t * most)
                               : count / n + (t < count % n ? 1 : 0));
  return tiles;
}

Tiling make_tiling(const ArrayParams& array, ConstView<float> w, const std::string& layer) {
  const Index outputs_a_tile = array.columns / columns_of(array.mapping);
  if (outputs_a_tile == 0)
    throw ShapeError("layer " + layer + ": array.columns = " + std::to_string(array.columns) +
                     " holds no differential pair, which takes two");
  Tiling tiling;
  tiling.rows = partition(w.columns(), array.rows, array.row_partition, layer);
  tiling.columns = partition(w.rows(), outputs_a_tile, {"full", {}}, layer);
  tiling.scale = Matrix<double>(static_cast<Index>(tiling.rows.size()), w.rows());
  const double of_layer =
      array.scale == ScaleOf::layer ? weight_limit(w, array.scale_percentile) : 0;
  for (Index t = 0; t < tiling.scale.rows(); ++t) {
    const Range rows = tiling.rows[static_cast<std::size_t>(t)];
    for (const Range& columns : tiling.columns) {
      const double of_tile =
          array.scale == ScaleOf::tile
              ? weight_limit(w.block(columns.begin, rows.begin, columns.size(), rows.size()),
                             array.scale_percentile)
              : of_layer;
      for (Index o = columns.begin; o < columns.end; ++o)
        tiling.scale(t, o) =
            array.scale == ScaleOf::column
                ? weight_limit(w.block(o, rows.begin, 1, rows.size()), array.scale_percentile)
                : of_tile;
    }
  }
  return tiling;
}

}  // namespace ohmic::sim
