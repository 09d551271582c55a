#include "lab/study/mvm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/interrupt.h"
#include "base/kernels.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "lab/study/deploy.h"
#include "sim/calibration.h"

namespace ohmic::lab {
namespace {

/// Gathers what the tiles of one chip see: codes (vectors x n_in), currents and ADC codes (row
/// tiles x vectors x columns).
class Recorder final : public Tap {
 public:
  Recorder(Index vectors, Index inputs, Index row_tiles, Index columns)
      : inputs_(inputs),
        vectors_(vectors),
        columns_(columns),
        codes_(vectors, inputs),
        currents_(row_tiles * vectors, columns),
        adc_codes_(row_tiles * vectors, columns) {}
  void codes(const DacReading& r) override {
    for (Index s = 0; s < r.samples; ++s)
      for (Index i = 0; i < inputs_; ++i) codes_(r.first_sample + s, i) = r.codes[i * kLanes + s];
  }
  void currents(const TileReading& r) override {
    std::vector<float> code(static_cast<std::size_t>(kLanes));
    for (Index c = 0; c < r.columns; ++c) {
      const float* from = r.currents + c * kLanes;
      std::copy_n(from, kLanes, code.data());
      if (r.codes) kernels().f32.quantise(kLanes, from, *r.codes, code.data());
      for (Index s = 0; s < r.samples; ++s) {
        const Index row = r.row_tile * vectors_ + r.first_sample + s;
        currents_(row, r.first_column + c) = static_cast<float>(from[s] * r.lsb_voltage);
        adc_codes_(row, r.first_column + c) =
            r.codes ? code[static_cast<std::size_t>(s)] : std::nanf("");
      }
    }
  }
  const Matrix<float>& dac() const { return codes_; }
  const Matrix<float>& before() const { return currents_; }
  const Matrix<float>& after() const { return adc_codes_; }

 private:
  Index inputs_, vectors_, columns_;
  Matrix<float> codes_, currents_, adc_codes_;
};

PatchView vectors_view(ConstView<float> x, Index first, Index count) {
  return {.data = x.row(first),
          .samples = count,
          .channels = x.columns(),
          .sample_stride = x.stride(),
          .channel_stride = 1};
}

RandomStream stream_of(const Experiment& e) {
  return RandomStream(static_cast<std::uint64_t>(e.run.seed));
}

/// Reads one programmed chip with every vector, into y (vectors x outputs).
void read_chip(const sim::Crossbar& crossbar, ConstView<float> x, ReadContext context, float* y,
               Activity& total) {
  const Index blocks = block_count(x.rows(), kLanes), outputs = crossbar.outputs();
  std::vector<Activity> counts(static_cast<std::size_t>(blocks));
  for_each_block(blocks, [&](Index block) {
    stop_if_interrupted("interrupted; nothing was written, the same command starts again");
    const Index first = block * kLanes, count = std::min(kLanes, x.rows() - first);
    ReadContext own = context;
    own.first_sample = first;
    own.activity = &counts[static_cast<std::size_t>(block)];
    crossbar.apply(vectors_view(x, first, count), own, {y + first * outputs, outputs, 1, 0});
  });
  for (const Activity& block : counts) total.merge(block);
}

void append(std::vector<float>& to, const Matrix<float>& from) {
  to.insert(to.end(), from.data(), from.data() + from.size());
}

}  // namespace

RunParams matrix_defaults() {
  RunParams defaults;
  defaults.chips = 1;
  return defaults;
}

sim::LayerPlan plan_mvm(const Mvm& m) {
  if (m.w.empty() || m.x.empty())
    throw ShapeError((m.w.empty() ? m.w_name : m.x_name) + ": is empty");
  if (m.w.columns() != m.x.columns())
    throw ShapeError(
        fmt::format("{} is {} x {} (outputs x inputs), but {} has vectors of {} numbers", m.w_name,
                    m.w.rows(), m.w.columns(), m.x_name, m.x.columns()));
  const sim::LayerHardware& hardware = m.experiment.hardware;
  const std::vector<PatchView> calibration{vectors_view(m.x, 0, m.x.rows())};
  sim::LayerPlan plan =
      sim::plan_layer("W", 0, hardware, m.w, {}, sim::calibrate_dac(hardware.dac, calibration));
  put_fault_map(m.experiment, plan);
  return plan;
}

MvmResult multiply(const Mvm& m, sim::LayerPlan plan, MvmDump* dump, bool quiet) {
  const Experiment& e = m.experiment;
  const Index chips = e.run.chips, vectors = m.x.rows(), n_out = m.w.rows(), n_in = m.w.columns();
  const std::vector<PatchView> calibration{vectors_view(m.x, 0, vectors)};
  plan.adc = sim::calibrate_adc(plan, calibration);
  const RandomStream stream = stream_of(e);
  const bool two_conversions = e.hardware.array.mapping != sim::Mapping::offset &&
                               e.hardware.array.subtraction == sim::Subtraction::digital;
  if (dump) {
    dump->row_tiles = static_cast<Index>(plan.tiling.rows.size());
    dump->conversions = two_conversions ? 2 * n_out : n_out;
  }
  MvmResult result;
  result.y.resize(static_cast<std::size_t>(chips * vectors * n_out));
  Activity activity;
  Progress progress("chips", chips, quiet);
  for (Index chip = 0; chip < chips; ++chip) {
    const devices::ProgramContext program{.stream = &stream, .chip = chip};
    if (e.hardware.adc.recalibrate_per_chip)
      plan.adc = sim::calibrate_adc(plan, calibration, program, {});
    const sim::Crossbar crossbar(plan, program, {.seconds = e.time.at});
    result.cells.add(crossbar.counts());
    std::optional<Recorder> recorder;
    if (dump) recorder.emplace(vectors, n_in, dump->row_tiles, dump->conversions);
    ReadContext context;
    context.stream = &stream;
    context.chip = chip;
    context.tap = recorder ? &*recorder : nullptr;
    read_chip(crossbar, m.x, context, result.y.data() + chip * vectors * n_out, activity);
    if (dump) {
      gather_cells(crossbar, n_out, n_in, chip, chips, dump->cells);
      if (chip == 0) append(dump->dac_codes, recorder->dac());
      append(dump->currents, recorder->before());
      append(dump->adc_codes, recorder->after());
    }
    progress.advance();
  }
  for (const float value : result.y)
    if (!std::isfinite(value))
      throw ConfigError(fmt::format(
          "the product is not finite: {}, {}, or the conductances and noise of [device] are beyond "
          "single precision",
          m.w_name, m.x_name));
  for (const auto& tile : activity.layers.front().tiles) {
    result.conversions += tile.conversions;
    result.clipped += tile.clipped;
  }
  return result;
}

CellPlanes program_cells(const Experiment& e, ConstView<float> w) {
  const Matrix<float> any(1, w.columns(), 1.0f);
  const sim::LayerPlan plan = plan_mvm({e, w, any});
  const RandomStream stream = stream_of(e);
  CellPlanes planes;
  for (Index chip = 0; chip < e.run.chips; ++chip) {
    stop_if_interrupted("interrupted");
    const sim::Crossbar crossbar(plan, {.stream = &stream, .chip = chip}, {.seconds = e.time.at});
    gather_cells(crossbar, w.rows(), w.columns(), chip, e.run.chips, planes);
  }
  return planes;
}

}  // namespace ohmic::lab
