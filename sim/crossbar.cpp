#include "sim/crossbar.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>

#include "base/error.h"
#include "base/kernels.h"
#include "base/parallel.h"
#include "devices/chip_readout.h"

namespace ohmic::sim {

LayerPlan plan_layer(std::string name, Index layer, const LayerHardware& hardware,
                     ConstView<float> weights, std::span<const float> bias, const Dac& dac) {
  const bool bias_row = hardware.array.bias == BiasPlace::row && !bias.empty();
  const auto& device = *hardware.device;
  LayerPlan plan{
      .name = std::move(name),
      .layer = layer,
      .hardware = hardware,
      .rule = MappingRule(hardware.array.mapping, device.g_min(), device.g_max(), device.levels()),
      .mapped = Matrix<float>(weights.rows(), weights.columns() + (bias_row ? 1 : 0)),
      .tiling = {},
      .dac = dac,
      .adc = {},
      .bias_row = bias_row,
      .verified_device = nullptr,
      .verified = {},
      .fault_map = {}};
  Matrix<float>& u = plan.mapped;
  for (Index o = 0; o < u.rows(); ++o) {
    std::copy_n(weights.row(o), weights.columns(), u.row(o));
    // The extra row is driven at full scale.
    if (bias_row)
      u(o, weights.columns()) = static_cast<float>(bias[static_cast<std::size_t>(o)] / dac.limit);
  }
  const Index polarities = hardware.array.mapping == Mapping::offset ? 1 : 2;
  plan.hardware.device =
      devices::of_layer(hardware.device, plan.name, polarities, u.rows(), u.columns());
  plan.tiling = make_tiling(hardware.array, u, plan.name);
  const auto range = [](Purpose purpose, std::string_view field) {
    return static_cast<Index>(address_range(purpose, field));
  };
  const Index row_tiles = static_cast<Index>(plan.tiling.rows.size()),
              most_row_tiles = range(Purpose::lumped_read, "row_tile");
  const bool is_noisy = device.uniform_read_sigma().value_or(1.0) > 0;
  if (row_tiles > most_row_tiles && is_noisy)
    throw ShapeError("layer " + plan.name +
                     ": array.rows = " + std::to_string(hardware.array.rows) + " cuts its " +
                     std::to_string(u.columns()) + " inputs into " + std::to_string(row_tiles) +
                     " tiles, more than the " + std::to_string(most_row_tiles) +
                     " that read noise can tell apart");
  const auto refuse = [&](const std::string& what, Index found, Index most) {
    throw ShapeError("layer " + plan.name + ": " + std::to_string(found) + " " + what +
                     ", more than the " + std::to_string(most) +
                     " that random addresses can tell apart");
  };
  const auto at_most = [&](Index found, Index most, const std::string& what) {
    if (found > most) refuse(what, found, most);
  };
  const auto elements = [](Purpose purpose) {
    return static_cast<Index>(address_elements(purpose));
  };
  at_most(layer, range(Purpose::cycle, "layer") - 1, "layers before it");
  at_most(u.rows(), range(Purpose::cycle, "row"), "outputs");
  at_most(u.columns(), elements(Purpose::cycle), "inputs");
  if (is_noisy)
    at_most(u.rows() * (hardware.array.subtraction == Subtraction::digital ? 2 : 1),
            elements(Purpose::lumped_read), "read columns with noise");
  if (device.cell_reads()) {
    at_most(u.rows(), range(Purpose::cell_state, "row"), "outputs that are read cell by cell");
    at_most(u.columns(), elements(Purpose::cell_state) / 2, "inputs that are read cell by cell");
  }
  for (std::size_t t = 0; t < plan.tiling.rows.size(); ++t)
    for (Index o = 0; o < u.rows(); ++o) {
      const double scale = plan.tiling.scale(static_cast<Index>(t), o);
      for (Index r = plan.tiling.rows[t].begin; r < plan.tiling.rows[t].end; ++r) {
        const double relative = scale > 0 ? u(o, r) / scale : 0.0;
        if (std::fabs(relative) > 1) ++plan.clipped_weights;
        u(o, r) = static_cast<float>(std::clamp(relative, -1.0, 1.0));
      }
    }
  plan.adc.assign(plan.tiles(), Quantiser());
  return plan;
}

Dac calibrate_dac(const DacParams& params, std::span<const PatchView> inputs) {
  Histogram seen;
  bool negative = false;
  std::vector<float> row;
  for (const PatchView& x : inputs)
    for (Index s = 0; s < x.samples; ++s)
      for (Index c = 0; c < x.channels; ++c) {
        row.clear();
        for (Index h = 0; h < x.height; ++h)
          for (Index w = 0; w < x.width; ++w)
            row.push_back(x.data[s * x.sample_stride + c * x.channel_stride + h * x.row_stride +
                                 w * x.column_stride]);
        negative = negative || std::any_of(row.begin(), row.end(), [](float v) { return v < 0; });
        seen.add(row.data(), static_cast<Index>(row.size()));
      }
  return calibrated_dac(params, seen, negative);
}

namespace {

/// Gathers |current| [A] tile by tile, or all in one.
class CurrentHistogram final : public Tap {
 public:
  CurrentHistogram(std::size_t tiles, std::size_t column_tiles, bool pooled)
      : histograms_(pooled ? 1 : tiles), column_tiles_(column_tiles), pooled_(pooled) {}
  void currents(const TileReading& reading) override {
    Histogram& to = of(static_cast<std::size_t>(reading.row_tile) * column_tiles_ +
                       static_cast<std::size_t>(reading.column_tile));
    currents_.resize(static_cast<std::size_t>(reading.samples));
    for (Index c = 0; c < reading.columns; ++c) {
      for (std::size_t s = 0; s < currents_.size(); ++s)
        currents_[s] = static_cast<float>(reading.currents[c * kLanes + static_cast<Index>(s)] *
                                          reading.lsb_voltage);
      to.add(currents_.data(), reading.samples);
    }
  }
  Histogram& of(std::size_t tile) { return histograms_[pooled_ ? 0 : tile]; }
  void merge(CurrentHistogram& other) {
    for (std::size_t i = 0; i < histograms_.size(); ++i) histograms_[i].merge(other.histograms_[i]);
  }

 private:
  std::vector<Histogram> histograms_;
  std::vector<float> currents_;
  std::size_t column_tiles_;
  bool pooled_;
};

}  // namespace

std::vector<Quantiser> calibrate_adc(const LayerPlan& plan, std::span<const PatchView> inputs,
                                     const devices::ProgramContext& chip, ChipOptions options) {
  const AdcParams& params = plan.hardware.adc;
  const ArrayParams& array = plan.hardware.array;
  const std::size_t column_tiles = plan.tiling.columns.size();
  const bool one_sided =
      array.mapping == Mapping::offset || array.subtraction == Subtraction::digital;
  const bool is_signed = plan.dac.is_signed || !one_sided;
  CurrentHistogram all(plan.tiles(), column_tiles, !params.per_tile);
  if (params.bits &&
      (params.range == AdcRange::percentile || params.range == AdcRange::least_squares)) {
    LayerPlan open = plan;
    open.adc.assign(plan.tiles(), Quantiser());
    options.read_noise = false;
    const Crossbar crossbar(open, chip, options);
    std::mutex lock;
    for_each_block(static_cast<Index>(inputs.size()), [&](Index block) {
      const PatchView& x = inputs[static_cast<std::size_t>(block)];
      CurrentHistogram mine(plan.tiles(), column_tiles, !params.per_tile);
      std::vector<float> y(
          static_cast<std::size_t>(crossbar.outputs() * x.positions() * x.samples));
      ReadContext context;
      context.tap = &mine;
      crossbar.apply(x, context, {y.data(), 1, x.positions() * x.samples, x.samples});
      const std::lock_guard<std::mutex> guard(lock);
      all.merge(mine);  // counts: any order gives the same
    });
  }
  std::vector<Quantiser> adc;
  for (std::size_t t = 0; t < plan.tiles(); ++t) {
    const auto rows = static_cast<double>(plan.tiling.rows[t / column_tiles].size());
    const double span = one_sided ? plan.rule.g_max() : plan.rule.g_max() - plan.rule.g_min();
    adc.push_back(calibrated_adc(params, all.of(t), is_signed, rows * span * array.read_voltage));
    if (plan.hardware.lookup_table) plan.hardware.lookup_table->check_covers(adc.back());
  }
  return adc;
}

namespace {

/// How far the weights of output `o` are off, in conductance, if only faults spoil them.
double fault_cost(const LayerPlan& plan, const BrokenCells& broken, ConstView<float> u, Index o,
                  Index faults_of) {
  double sum = 0;
  for (Index r = 0; r < u.columns(); ++r) {
    const MappingRule::Pair wanted = plan.rule.target(u(o, r));
    std::array<double, 2> g{wanted.positive, wanted.negative};
    std::array<bool, 2> is_broken{};
    for (std::size_t p = 0; p < broken.faults.size(); ++p)
      if (const auto fault = static_cast<devices::Fault>(broken.faults[p](faults_of, r));
          fault != devices::Fault::none) {
        is_broken[p] = true;
        g[p] = devices::broken_conductance(fault, broken.params, *plan.hardware.device);
      }
    const double difference = wanted.positive - wanted.negative;
    if (broken.params.adjusts_pairs && is_broken[0] != is_broken[1] && broken.faults.size() == 2) {
      const std::size_t other = is_broken[0] ? 1 : 0;
      g[other] = std::clamp(other == 1 ? g[0] - difference : g[1] + difference, plan.rule.g_min(),
                            plan.rule.g_max());
    }
    sum += std::fabs(g[0] - g[1] - difference);
  }
  return sum;
}

/// The faults of the tile at `place`: drawn, or cut out of the user's map. Spare columns replace
/// the outputs whose faults cost most, where that helps; `rows` are then the weight rows that
/// the outputs' devices have.
BrokenCells broken_cells(const LayerPlan& plan, devices::ProgramContext context,
                         const TilePlace& place, ConstView<float> u, std::vector<Index>& rows) {
  BrokenCells broken{.params = plan.hardware.faults, .faults = {}};
  if (!broken.params.is_active()) return broken;
  const Index outputs = place.columns.size(), inputs = place.rows.size();
  const std::size_t polarities = plan.rule.mapping() == Mapping::offset ? 1 : 2;
  const Index spares = broken.params.spare_columns;
  BrokenCells spare = broken;
  for (std::size_t p = 0; p < polarities; ++p) {
    context.polarity = static_cast<Index>(p);
    broken.faults.push_back(plan.fault_map
                                ? Matrix<std::uint8_t>((*plan.fault_map)[p].view().block(
                                      place.columns.begin, place.rows.begin, outputs, inputs))
                                : devices::draw_faults(broken.params, context, outputs, inputs));
    devices::ProgramContext behind = context;
    behind.first_row = plan.mapped.rows() + place.column_tile * spares;
    spare.faults.push_back(
        plan.fault_map ? Matrix<std::uint8_t>(spares, inputs)
                       : devices::draw_faults(broken.params, behind, spares, inputs, outputs));
  }
  if (spares == 0) return broken;
  for (Index o = 0; o < outputs; ++o) rows.push_back(place.columns.begin + o);
  std::vector<double> costs;
  for (Index o = 0; o < outputs; ++o) costs.push_back(fault_cost(plan, broken, u, o, o));
  for (Index k = 0; k < spares; ++k) {
    const auto worst = std::max_element(costs.begin(), costs.end()) - costs.begin();
    if (fault_cost(plan, spare, u, worst, k) >= costs[static_cast<std::size_t>(worst)]) continue;
    for (std::size_t p = 0; p < polarities; ++p)
      std::copy_n(spare.faults[p].row(k), inputs, broken.faults[p].row(worst));
    rows[static_cast<std::size_t>(worst)] = plan.mapped.rows() + place.column_tile * spares + k;
    costs[static_cast<std::size_t>(worst)] = -1;  // replaced
  }
  return broken;
}

}  // namespace

bool cells_depend_on_tiles(const LayerHardware& hardware) {
  const devices::FaultParams& faults = hardware.faults;
  return hardware.array.scale != ScaleOf::layer || faults.dead_rows > 0 ||
         faults.dead_columns > 0 || (faults.is_active() && faults.spare_columns > 0);
}

TilePlace place_of(const LayerPlan& plan, Index tile) {
  const auto column_tiles = static_cast<Index>(plan.tiling.columns.size());
  TilePlace place{.layer = plan.layer,
                  .row_tile = tile / column_tiles,
                  .column_tile = tile % column_tiles,
                  .index = tile};
  place.rows = plan.tiling.rows[static_cast<std::size_t>(place.row_tile)];
  place.columns = plan.tiling.columns[static_cast<std::size_t>(place.column_tile)];
  return place;
}

std::vector<Array> program_tiles(const LayerPlan& plan, devices::ProgramContext context,
                                 const ChipOptions& options) {
  context.layer = plan.layer;
  std::vector<Array> arrays;
  for (Index tile = 0; tile < static_cast<Index>(plan.tiles()); ++tile) {
    const TilePlace place = place_of(plan, tile);
    context.tile = tile;
    context.first_row = place.columns.begin;
    context.first_column = place.rows.begin;
    const auto part = [&](const auto& matrix) {
      return matrix.view().block(place.columns.begin, place.rows.begin, place.columns.size(),
                                 place.rows.size());
    };
    const ConstView<float> u = part(plan.mapped);
    VerifiedWeights verified{plan.verified_device, {}};
    if (plan.verified_device) verified.marks = part(plan.verified);
    std::vector<Index> weight_rows;
    context.rows = {};
    BrokenCells broken;
    if (options.faults) broken = broken_cells(plan, context, place, u, weight_rows);
    context.rows = weight_rows;
    arrays.push_back(program_array(plan.hardware.device, plan.rule, u, context, options.programming,
                                   options.seconds, verified, std::move(broken)));
  }
  return arrays;
}

Crossbar::Crossbar(const LayerPlan& plan, const ChipOptions& options)
    : name_(plan.name),
      layer_(plan.layer),
      inputs_(plan.mapped.columns() - (plan.bias_row ? 1 : 0)),
      outputs_(plan.mapped.rows()),
      bias_row_(plan.bias_row),
      dac_(plan.dac) {
  // Without converters the signals keep their scale and lose their steps.
  if (!options.converters) dac_.quantiser = Quantiser();
}

namespace {

/// What the tiles of a layer share.
TileSetting tile_setting(const LayerPlan& plan, const Dac& dac, const ChipOptions& options) {
  return {.rule = plan.rule,
          .subtraction = plan.hardware.array.subtraction,
          .lsb_voltage = plan.hardware.array.read_voltage * dac.lsb_fraction(),
          .input_step = dac.quantiser.step(),
          .read_noise = options.read_noise,
          .lookup_table = plan.hardware.lookup_table};
}

Quantiser adc_of(const LayerPlan& plan, const TilePlace& place, const ChipOptions& options) {
  return options.converters ? plan.adc[static_cast<std::size_t>(place.index)] : Quantiser();
}

}  // namespace

Crossbar::Crossbar(const LayerPlan& plan, const Crossbar& cells, const ChipOptions& options)
    : Crossbar(plan, options) {
  ensure(cells.tiles_.size() == plan.tiles(), "cells are read as another plan");
  const TileSetting setting = tile_setting(plan, dac_, options);
  for (const Tile& tile : cells.tiles_) {
    tiles_.emplace_back(tile.array().after_drift(options.seconds), tile.place(), setting,
                        adc_of(plan, tile.place(), options), tile.scale());
    needs_squares_ = needs_squares_ || tiles_.back().needs_squares();
  }
}

Crossbar::Crossbar(const LayerPlan& plan, devices::ProgramContext context,
                   const ChipOptions& options)
    : Crossbar(plan, options) {
  const TileSetting setting = tile_setting(plan, dac_, options);
  std::vector<Array> arrays = program_tiles(plan, context, options);
  for (std::size_t t = 0; t < arrays.size(); ++t) {
    TilePlace place = place_of(plan, static_cast<Index>(t));
    place.replica = context.replica;
    std::vector<double> scale;
    for (Index o = place.columns.begin; o < place.columns.end; ++o)
      scale.push_back(plan.tiling.scale(place.row_tile, o));
    tiles_.emplace_back(std::move(arrays[t]), place, setting, adc_of(plan, place, options),
                        std::move(scale));
    needs_squares_ = needs_squares_ || tiles_.back().needs_squares();
  }
}

Crossbar Crossbar::after_drift(double seconds) const {
  Crossbar later = *this;
  for (Tile& tile : later.tiles_) tile = tile.after_drift(seconds);
  return later;
}

CellCounts Crossbar::counts() const {
  CellCounts sum;
  for (const Tile& tile : tiles_) sum.add(tile.array().counts());
  return sum;
}

namespace {

/// Room for one lane block; one per thread, kept from read to read.
struct Scratch {
  AlignedVector<float> codes, squares, sums;
  std::vector<std::int32_t> row_offset;
  TileScratch tile;
  std::vector<TileMemory> memory;  ///< one per tile, for cells that are read one by one
};

/// The lane block `x` in padded lane layout: features x kLanes, unused lanes and padding 0.
void gather(const PatchView& x, AlignedVector<float>& to, Index padded_width, Index padded_plane) {
  std::fill(to.begin(), to.end(), 0.0f);
  for (Index c = 0; c < x.channels; ++c)
    for (Index h = 0; h < x.height; ++h)
      for (Index w = 0; w < x.width; ++w) {
        const float* from = x.data + c * x.channel_stride + h * x.row_stride + w * x.column_stride;
        float* lanes = to.data() +
                       (c * padded_plane + (h + x.padding) * padded_width + w + x.padding) * kLanes;
        for (Index s = 0; s < x.samples; ++s) lanes[s] = from[s * x.sample_stride];
      }
}

}  // namespace

void Crossbar::apply(const PatchView& x, const ReadContext& context, const OutputView& y) const {
  if (x.inputs() != inputs_)
    throw ShapeError("layer " + name_ + ": a product of " + std::to_string(x.inputs()) +
                     " inputs on an array of " + std::to_string(inputs_));
  if (const auto most = static_cast<Index>(address_range(Purpose::lumped_read, "sample"));
      context.stream && context.first_sample + x.samples > most)
    throw ShapeError("layer " + name_ + ": more than " + std::to_string(most) +
                     " samples in one read, which is what read noise can tell apart");
  for (Index first = 0; first < x.samples; first += kLanes) {
    PatchView block = x;
    block.data += first * x.sample_stride;
    block.samples = std::min<Index>(kLanes, x.samples - first);
    ReadContext at = context;
    at.first_sample += first;
    apply_block(
        block, at,
        {y.data + first * y.sample_stride, y.sample_stride, y.output_stride, y.position_stride});
  }
}

void Crossbar::apply_block(const PatchView& x, const ReadContext& context,
                           const OutputView& y) const {
  static thread_local Scratch scratch;
  const Kernels& k = kernels();
  const Index width = x.width + 2 * x.padding, height = x.height + 2 * x.padding,
              plane = width * height;
  const Index features = x.channels * plane, extra = bias_row_ ? plane : 0;
  const auto room = static_cast<std::size_t>((features + extra) * kLanes);
  scratch.codes.resize(room);
  gather(x, scratch.codes, width, plane);
  std::int64_t clipped = 0;
  if (!dac_.quantiser.is_ideal())
    clipped = k.f32.quantise(features * kLanes, scratch.codes.data(), dac_.quantiser.codes<float>(),
                             scratch.codes.data());
  // A DAC without a zero level drives half a step where nothing is; a padded or unused line is at 0
  // V all the same.
  if (!dac_.quantiser.is_ideal() && dac_.quantiser.codes<float>().shift != 0) {
    AlignedVector<float> driven(room, 0.0f);
    for (Index c = 0; c < x.channels; ++c)
      for (Index h = x.padding; h < x.padding + x.height; ++h) {
        const Index first = (c * plane + h * width + x.padding) * kLanes;
        for (Index i = first; i < first + x.width * kLanes; ++i)
          if (i % kLanes < x.samples)
            driven[static_cast<std::size_t>(i)] = scratch.codes[static_cast<std::size_t>(i)];
      }
    scratch.codes = std::move(driven);
  }
  // The bias row: a plane of its own at full scale, so that every output position finds it at the
  // same offset.
  if (bias_row_)
    std::fill(scratch.codes.begin() + features * kLanes, scratch.codes.end(),
              static_cast<float>(dac_.limit / dac_.quantiser.step()));
  if (needs_squares_) {
    scratch.squares.resize(room);
    for (std::size_t i = 0; i < room; ++i) scratch.squares[i] = scratch.codes[i] * scratch.codes[i];
  }
  scratch.row_offset.clear();
  for (Index c = 0; c < x.channels; ++c)
    for (Index ky = 0; ky < x.kernel; ++ky)
      for (Index kx = 0; kx < x.kernel; ++kx)
        scratch.row_offset.push_back(
            static_cast<std::int32_t>((c * plane + ky * width + kx) * kLanes));
  if (bias_row_) scratch.row_offset.push_back(static_cast<std::int32_t>(features * kLanes));
  scratch.sums.resize(static_cast<std::size_t>(outputs_ * kLanes));

  if (context.tap)
    context.tap->codes({.layer = layer_,
                        .first_sample = context.first_sample,
                        .samples = x.samples,
                        .channels = x.channels,
                        .height = height,
                        .width = width,
                        .codes = scratch.codes.data()});
  if (context.activity) {
    Activity::Layer& counts = context.activity->layer(layer_, tiles_.size());
    counts.mvms += x.samples * x.positions();
    counts.dac_conversions += x.samples * x.channels * x.height * x.width;
    counts.dac_clipped += clipped;
  }
  scratch.memory.clear();
  scratch.memory.resize(tiles_.size());
  for (Index row = 0; row < x.out_height(); ++row)
    for (Index column = 0; column < x.out_width(); ++column) {
      const Index position = row * x.out_width() + column;
      const Index base = (row * x.stride * width + column * x.stride) * kLanes;
      const float* squares = scratch.squares.empty() ? nullptr : scratch.squares.data() + base;
      std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0f);
      for (const Tile& tile : tiles_)
        tile.read(scratch.codes.data() + base, squares,
                  scratch.row_offset.data() + tile.place().rows.begin, context, position, x.samples,
                  scratch.tile, scratch.memory[static_cast<std::size_t>(tile.place().index)],
                  scratch.sums.data() + tile.place().columns.begin * kLanes);
      for (Index o = 0; o < outputs_; ++o) {
        const float* sum = scratch.sums.data() + o * kLanes;
        float* to = y.data + o * y.output_stride + position * y.position_stride;
        for (Index s = 0; s < x.samples; ++s) to[s * y.sample_stride] = sum[s];
      }
    }
}

}  // namespace ohmic::sim
