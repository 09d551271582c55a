#include "sim/reference.h"

#include <cmath>

namespace ohmic::sim {
namespace {

/// What one read of one position sees of the cells, without white noise [S], one plane per
/// polarity.
std::vector<Matrix<float>> conductances(const Tile& tile, const ReadContext& context, Index sample,
                                        Index position) {
  std::vector<Matrix<float>> out;
  for (std::size_t p = 0; p < tile.array().polarities(); ++p) {
    out.emplace_back(tile.array().conductance(p));
    if (!tile.setting().read_noise || !tile.array().device().cell_reads()) continue;
    devices::CellMemory fresh;
    tile.array().cell_read({.stream = context.stream,
                            .chip = context.chip,
                            .programming = context.programming,
                            .read = context.read,
                            .layer = tile.place().layer,
                            .replica = tile.place().replica,
                            .polarity = static_cast<Index>(p),
                            .sample = sample,
                            .position = position,
                            .first_row = tile.place().columns.begin,
                            .first_column = tile.place().rows.begin},
                           fresh, out.back());
  }
  return out;
}

/// Currents [A] of the two polarities of output `o` of a tile under voltages v (one per row, in
/// fractions of the read voltage).
std::vector<double> column_currents(const Tile& tile, const std::vector<Matrix<float>>& read,
                                    Index o, const std::vector<double>& codes,
                                    const std::vector<std::vector<double>>& noise) {
  std::vector<double> currents;
  for (std::size_t p = 0; p < tile.array().polarities(); ++p) {
    double sum = 0;
    for (std::size_t r = 0; r < codes.size(); ++r)
      sum += (read[p](o, static_cast<Index>(r)) + (noise.empty() ? 0.0 : noise[p][r])) * codes[r];
    currents.push_back(sum * tile.setting().lsb_voltage);
  }
  return currents;
}

}  // namespace

Matrix<double> reference_product(const Crossbar& crossbar, const PatchView& x,
                                 const ReadContext& context) {
  const Index outputs = crossbar.outputs(), positions = x.positions();
  Matrix<double> y(x.samples, outputs * positions);
  const Quantiser& dac = crossbar.dac().quantiser;
  const auto u = [](Index i) { return static_cast<std::uint64_t>(i); };
  std::vector<std::vector<Matrix<float>>> sigma;
  for (const Tile& tile : crossbar.tiles()) {
    sigma.emplace_back();
    const bool noisy =
        tile.setting().read_noise && tile.array().device().uniform_read_sigma() != 0.0;
    for (std::size_t p = 0; noisy && p < tile.array().polarities(); ++p)
      sigma.back().push_back(tile.array().read_sigma(p));
  }
  for (Index s = 0; s < x.samples; ++s)
    for (Index position = 0; position < positions; ++position) {
      const Index row0 = position / x.out_width() * x.stride,
                  column0 = position % x.out_width() * x.stride;
      std::vector<double> codes;
      for (Index c = 0; c < x.channels; ++c)
        for (Index ky = 0; ky < x.kernel; ++ky)
          for (Index kx = 0; kx < x.kernel; ++kx) {
            const Index h = row0 + ky - x.padding, w = column0 + kx - x.padding;
            const bool inside = h >= 0 && h < x.height && w >= 0 && w < x.width;
            const double value = inside ? x.data[s * x.sample_stride + c * x.channel_stride +
                                                 h * x.row_stride + w * x.column_stride]
                                        : 0.0;
            codes.push_back(inside ? dac(value) / dac.step() : 0.0);
          }
      if (crossbar.adds_bias()) codes.push_back(crossbar.dac().limit / dac.step());

      for (std::size_t t = 0; t < crossbar.tiles().size(); ++t) {
        const Tile& tile = crossbar.tiles()[t];
        const TilePlace& place = tile.place();
        const MappingRule& rule = tile.setting().rule;
        const std::vector<double> lines(codes.begin() + place.rows.begin,
                                        codes.begin() + place.rows.end);
        double line_sum = 0;
        for (const double v : lines) line_sum += v;
        const std::vector<Matrix<float>> read =
            conductances(tile, context, context.first_sample + s, position);
        for (Index o = 0; o < place.columns.size(); ++o) {
          std::vector<std::vector<double>> noise;
          for (std::size_t p = 0; p < sigma[t].size(); ++p) {
            noise.emplace_back();
            const auto column = u(2 * (place.columns.begin + o)) + p;
            for (std::size_t r = 0; r < lines.size(); ++r) {
              float z = 0;
              context.stream->normals(cell_read_address({.chip = u(context.chip),
                                                         .programming = u(context.programming),
                                                         .read = u(context.read),
                                                         .layer = u(place.layer),
                                                         .row = u(place.rows.begin) + r,
                                                         .sample = u(context.first_sample + s),
                                                         .patch = u(position),
                                                         .replica = u(place.replica)}),
                                      column, {&z, 1});
              noise.back().push_back(sigma[t][p](o, static_cast<Index>(r)) * z);
            }
          }
          const std::vector<double> currents = column_currents(tile, read, o, lines, noise);
          const double lsb_voltage = tile.setting().lsb_voltage;
          // A conversion: by the ADC's transfer, or by what a table says of its code.
          const auto convert = [&](double current, Index conversion) {
            const LookupTable* table = tile.setting().lookup_table.get();
            if (!table || tile.adc().is_ideal()) return tile.adc()(current);
            const double code = tile.adc()(current) / tile.adc().step();
            const auto entry = static_cast<std::size_t>(std::lround(code) - table->first);
            float z = 0;
            if (tile.setting().read_noise)
              context.stream->normals(
                  table_address(context, place, context.first_sample + s, position), u(conversion),
                  {&z, 1});
            return tile.adc().step() * (static_cast<double>(table->mean[entry]) +
                                        table->sigma[entry] * static_cast<double>(z));
          };
          const Index column = place.columns.begin + o;
          double signal;
          if (rule.mapping() == Mapping::offset)
            signal = convert(currents[0], column) - rule.centre() * line_sum * lsb_voltage;
          else if (tile.setting().subtraction == Subtraction::digital)
            signal = convert(currents[0], 2 * column) - convert(currents[1], 2 * column + 1);
          else
            signal = convert(currents[0] - currents[1], column);
          y(s, (place.columns.begin + o) * positions + position) +=
              signal / lsb_voltage / rule.unit() * tile.scale()[static_cast<std::size_t>(o)] *
              tile.setting().input_step;
        }
      }
    }
  return y;
}

}  // namespace ohmic::sim
