#include "sim/calibration.h"

#include <algorithm>
#include <mutex>

#include "base/parallel.h"

namespace ohmic::sim {

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

}  // namespace ohmic::sim
