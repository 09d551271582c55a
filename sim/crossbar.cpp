#include "sim/crossbar.h"

#include <algorithm>

#include "base/error.h"
#include "base/kernels.h"
#include "sim/spare_columns.h"

namespace ohmic::sim {

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
