#include "sim/tile.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/kernels.h"

namespace ohmic::sim {

Address table_address(const ReadContext& context, const TilePlace& place, Index sample,
                      Index position) {
  const auto u = [](Index i) { return static_cast<std::uint64_t>(i); };
  return lumped_read_address({.chip = u(context.chip),
                              .programming = u(context.programming),
                              .read = u(context.read),
                              .layer = u(place.layer),
                              .row_tile = u(place.row_tile),
                              .sample = u(sample),
                              .patch = u(position),
                              .replica = u(place.replica)},
                             Purpose::table_read);
}

Tile::Tile(Array array, const TilePlace& place, const TileSetting& setting, const Quantiser& adc,
           std::vector<double> scale)
    : array_(std::move(array)),
      place_(place),
      setting_(setting),
      adc_(adc),
      scale_(std::move(scale)) {
  const MappingRule& rule = setting.rule;
  const Index outputs = place.columns.size(), rows = place.rows.size();
  const bool pairs = array_.polarities() == 2;
  const bool two_conversions = pairs && setting.subtraction == Subtraction::digital;
  panel_ = Matrix<float>(outputs * (two_conversions ? 2 : 1), rows);
  for (Index o = 0; o < outputs; ++o)
    for (Index r = 0; r < rows; ++r) {
      const float positive = array_.conductance(0)(o, r);
      if (two_conversions) {
        panel_(2 * o, r) = positive;
        panel_(2 * o + 1, r) = array_.conductance(1)(o, r);
      } else if (pairs) {
        panel_(o, r) = positive - array_.conductance(1)(o, r);
      } else {
        panel_(o, r) = static_cast<float>(positive - rule.centre());
      }
    }
  for (Index c = 0; c < panel_.rows(); ++c) {
    const auto o = static_cast<std::size_t>(two_conversions ? c / 2 : c);
    const double sign = two_conversions && c % 2 == 1 ? -1.0 : 1.0;
    output_scale_.push_back(
        static_cast<float>(sign * scale_[o] * setting.input_step / rule.unit()));
  }
  if (rule.mapping() == Mapping::offset) ones_.assign(static_cast<std::size_t>(rows), 1.0f);

  if (!setting.read_noise) return;
  const double cells = pairs && !two_conversions ? 2.0 : 1.0;
  if (const auto uniform = array_.device().uniform_read_sigma()) {
    sigma_ = *uniform * std::sqrt(cells);
    return;
  }
  std::vector<Matrix<float>> sigma;
  for (std::size_t p = 0; p < array_.polarities(); ++p) sigma.push_back(array_.read_sigma(p));
  const auto square = [](double x) { return x * x; };
  variance_ = Matrix<float>(panel_.rows(), rows);
  for (Index c = 0; c < variance_.rows(); ++c)
    for (Index r = 0; r < rows; ++r)
      variance_(c, r) = static_cast<float>(
          two_conversions ? square(sigma[static_cast<std::size_t>(c % 2)](c / 2, r))
          : pairs         ? square(sigma[0](c, r)) + square(sigma[1](c, r))
                          : square(sigma[0](c, r)));
}

void Tile::add_read_noise(const float* codes, const float* squares, const std::int32_t* row_offset,
                          const ReadContext& context, Index position, TileScratch& scratch) const {
  const Kernels& k = kernels();
  const Index columns = panel_.rows(), rows = panel_.columns();
  const bool uniform = variance_.empty();
  if (uniform) {
    k.lane_square_sum(rows, codes, row_offset, scratch.variance.data());
    k.square_root(kLanes, scratch.variance.data(), scratch.variance.data());
    for (Index lane = 0; lane < kLanes; ++lane)
      scratch.variance[static_cast<std::size_t>(lane)] *= static_cast<float>(sigma_);
  } else {
    k.f32.lane_product(columns, rows, variance_.data(), rows, squares, row_offset,
                       scratch.variance.data(), kLanes);
    k.square_root(columns * kLanes, scratch.variance.data(), scratch.variance.data());
  }
  const auto u = [](Index i) { return static_cast<std::uint64_t>(i); };
  const Address row = lumped_read_address({.chip = u(context.chip),
                                           .programming = u(context.programming),
                                           .read = u(context.read),
                                           .layer = u(place_.layer),
                                           .row_tile = u(place_.row_tile),
                                           .sample = u(context.first_sample),
                                           .patch = u(position),
                                           .replica = u(place_.replica)});
  const Index a_output = columns / place_.columns.size();
  const Index first = place_.columns.begin * a_output;
  for (Index block = first >> 2; block * 4 < first + columns; ++block) {
    context.stream->sample_normals(row, u(block), scratch.normals.data());
    for (Index c = std::max(first, block * 4); c < std::min(first + columns, block * 4 + 4); ++c)
      k.multiply_accumulate(kLanes, scratch.variance.data() + (uniform ? 0 : (c - first) * kLanes),
                            scratch.normals.data() + (c - block * 4) * kLanes,
                            scratch.currents.data() + (c - first) * kLanes);
  }
}

void Tile::add_cell_reads(const float* codes, const std::int32_t* row_offset,
                          const ReadContext& context, Index position, Index samples,
                          TileScratch& scratch, TileMemory& memory) const {
  const auto polarities = static_cast<Index>(array_.polarities());
  memory.resize(static_cast<std::size_t>(samples * polarities));
  Matrix<float>& g = scratch.conductance;
  if (g.rows() != place_.columns.size() || g.columns() != place_.rows.size())
    g = Matrix<float>(place_.columns.size(), place_.rows.size());
  devices::CellRead read{.stream = context.stream,
                         .chip = context.chip,
                         .programming = context.programming,
                         .read = context.read,
                         .layer = place_.layer,
                         .replica = place_.replica,
                         .position = position,
                         .first_row = place_.columns.begin,
                         .first_column = place_.rows.begin};
  const bool two_conversions = panel_.rows() > g.rows();
  for (Index lane = 0; lane < samples; ++lane)
    for (read.polarity = 0; read.polarity < polarities; ++read.polarity) {
      read.sample = context.first_sample + lane;
      array_.cell_read(read, memory[static_cast<std::size_t>(lane * polarities + read.polarity)],
                       g);
      const ConstView<float> still = array_.conductance(static_cast<std::size_t>(read.polarity));
      const bool is_negative = read.polarity == 1 && !two_conversions;
      for (Index o = 0; o < g.rows(); ++o) {
        double change = 0;
        for (Index r = 0; r < g.columns(); ++r)
          if (g(o, r) != still(o, r))
            change += (static_cast<double>(g(o, r)) - still(o, r)) * codes[row_offset[r] + lane];
        const Index conversion = two_conversions ? 2 * o + read.polarity : o;
        scratch.currents[static_cast<std::size_t>(conversion * kLanes + lane)] +=
            static_cast<float>(is_negative ? -change : change);
      }
    }
}

void Tile::convert_by_table(const ReadContext& context, Index position, TileScratch& scratch,
                            float* y) const {
  const Kernels& k = kernels();
  const LookupTable& table = *setting_.lookup_table;
  const Index columns = panel_.rows(), a_output = columns / place_.columns.size();
  const Index first = place_.columns.begin * a_output;
  const CodeRange<float> range = adc_.codes<float>(setting_.lsb_voltage);
  const double code_step = adc_.step() / setting_.lsb_voltage;
  Address row;
  if (context.stream) row = table_address(context, place_, context.first_sample, position);
  std::array<float, kLanes> codes;
  for (Index c = 0; c < columns; ++c) {
    if (context.stream && (c == 0 || (first + c) % 4 == 0))
      context.stream->sample_normals(row, static_cast<std::uint64_t>((first + c) >> 2),
                                     scratch.normals.data());
    k.f32.quantise(kLanes, scratch.currents.data() + c * kLanes, range, codes.data());
    const auto step = static_cast<float>(code_step * output_scale_[static_cast<std::size_t>(c)]);
    const float* z = scratch.normals.data() + (first + c) % 4 * kLanes;
    float* to = y + (c / a_output) * kLanes;
    for (Index lane = 0; lane < kLanes; ++lane) {
      const auto entry = static_cast<std::size_t>(
          static_cast<int>(codes[static_cast<std::size_t>(lane)]) - table.first);
      const float noise =
          context.stream && setting_.read_noise ? table.sigma[entry] * z[lane] : 0.0f;
      to[lane] += step * (table.mean[entry] + noise);
    }
  }
}

void Tile::read(const float* codes, const float* squares, const std::int32_t* row_offset,
                const ReadContext& context, Index position, Index samples, TileScratch& scratch,
                TileMemory& memory, float* y) const {
  const Kernels& k = kernels();
  const Index columns = panel_.rows(), rows = panel_.columns();
  const auto room = static_cast<std::size_t>((columns + 1) * kLanes);
  if (scratch.currents.size() < room) {
    scratch.currents.resize(room);
    scratch.variance.resize(room);
    scratch.normals.resize(4 * kLanes);
  }
  float* currents = scratch.currents.data();
  k.f32.lane_product(columns, rows, panel_.data(), rows, codes, row_offset, currents, kLanes);
  if (sigma_ > 0 || needs_squares())
    add_read_noise(codes, squares, row_offset, context, position, scratch);
  if (setting_.read_noise && array_.device().cell_reads())
    add_cell_reads(codes, row_offset, context, position, samples, scratch, memory);

  // The offset mapping's ADC sees the whole current; its centre's share is known digitally and
  // taken off again.
  const bool has_centre = !ones_.empty() && (!adc_.is_ideal() || context.tap);
  float* centre = currents + columns * kLanes;
  if (has_centre) {
    k.f32.lane_product(1, rows, ones_.data(), rows, codes, row_offset, centre, kLanes);
    for (Index c = 0; c < columns; ++c)
      k.f32.accumulate(kLanes, centre, static_cast<float>(setting_.rule.centre()),
                       currents + c * kLanes);
  }
  const std::optional<CodeRange<float>> range =
      adc_.is_ideal() ? std::nullopt : std::optional(adc_.codes<float>(setting_.lsb_voltage));
  const Index a_output = columns / place_.columns.size();
  if (context.tap)
    context.tap->currents({.layer = place_.layer,
                           .row_tile = place_.row_tile,
                           .column_tile = place_.column_tile,
                           .position = position,
                           .first_sample = context.first_sample,
                           .samples = samples,
                           .first_column = place_.columns.begin * a_output,
                           .columns = columns,
                           .currents = currents,
                           .lsb_voltage = setting_.lsb_voltage,
                           .codes = range});

  // Unused lanes carry what a bias row drives: they are set to what no converter clips, so that
  // counts are of samples alone.
  if (samples < kLanes && !adc_.is_ideal()) {
    const auto inside = static_cast<float>(0.5 * (adc_.low() + adc_.high()) / setting_.lsb_voltage);
    for (Index c = 0; c < columns; ++c)
      std::fill(currents + c * kLanes + samples, currents + (c + 1) * kLanes, inside);
  }
  std::int64_t clipped = 0;
  const double code_step = adc_.step() / setting_.lsb_voltage;
  const bool by_table = setting_.lookup_table && !adc_.is_ideal();
  if (by_table) convert_by_table(context, position, scratch, y);
  for (Index c = 0; c < columns; ++c) {
    float* to = y + (c / a_output) * kLanes;
    const float scale = output_scale_[static_cast<std::size_t>(c)];
    if (by_table)
      ;
    else if (adc_.is_ideal())
      k.f32.accumulate(kLanes, currents + c * kLanes, scale, to);
    else
      clipped += k.f32.quantise_accumulate(kLanes, currents + c * kLanes, *range,
                                           static_cast<float>(code_step * scale), to);
    if (has_centre)
      k.f32.accumulate(kLanes, centre, -static_cast<float>(setting_.rule.centre()) * scale, to);
  }
  if (context.activity) {
    const auto index = static_cast<std::size_t>(place_.index);
    Activity::Tile& counts = context.activity->layer(place_.layer, index + 1).tiles[index];
    counts.conversions += columns * samples;
    counts.clipped += clipped;
  }
}

}  // namespace ohmic::sim
