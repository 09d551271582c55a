#include "lab/study/dry_run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "base/host.h"
#include "base/kernels.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/hardware_words.h"

namespace ohmic::lab {
namespace {

/// Multiply-accumulates per second of one thread, on a product of a usual size.
double measure_rate() {
  constexpr std::ptrdiff_t kOutputs = 60, kRows = 128, kRepeats = 200;
  std::vector<float> a(kOutputs * kRows, 0.5f), x(kRows * kLanes, 0.25f), y(kOutputs * kLanes);
  std::vector<std::int32_t> offsets;
  for (std::int32_t r = 0; r < kRows; ++r) offsets.push_back(r * static_cast<std::int32_t>(kLanes));
  const auto start = std::chrono::steady_clock::now();
  for (std::ptrdiff_t i = 0; i < kRepeats; ++i)
    kernels().f32.lane_product(kOutputs, kRows, a.data(), kRows, x.data(), offsets.data(), y.data(),
                               kLanes);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return static_cast<double>(kOutputs * kRows * kLanes * kRepeats) / seconds;
}

/// The same, measured once, for a few milliseconds.
double measured_rate() {
  static const double rate = measure_rate();
  return rate;
}

// Whole passes against the bare product (measured with LeNet-5): training has two more products and
// its bookkeeping, a noisy chip its normals and conversions.
constexpr double kTrainingFactor = 4.5, kChipFactor = 2.5;
constexpr double kMebibyte = 1048576, kGibibyte = 1024 * kMebibyte;

/// The layers' tiles and cells, from their shapes. ConfigError, ShapeError for what does not fit.
std::vector<LayerSketch> sketch_layers(const Experiment& e, const nn::Network& network) {
  std::vector<LayerSketch> layers;
  const auto hardware = layer_hardware(e, network);
  for (std::size_t k = 0; k < hardware.size(); ++k) {
    const nn::Mac& mac = network.mac(static_cast<Index>(k));
    const Index layer = network.mac_layers()[k];
    LayerSketch sketch{network.name(layer), mac.outputs, mac.patch.inputs()};
    if (hardware[k]) {
      const sim::ArrayParams& array = hardware[k]->array;
      const bool has_bias = network.structure(layer).parameters.size() > 1;
      const Index rows = sketch.inputs + (array.bias == sim::BiasPlace::row && has_bias ? 1 : 0);
      const devices::FaultParams& faults = hardware[k]->faults;
      if (!faults.map.empty())
        devices::layer_faults(from_config(e, faults.map), faults, sketch.name, sketch.outputs,
                              rows);
      const Index of_weight = sim::columns_of(array.mapping);
      devices::of_layer(hardware[k]->device, sketch.name, of_weight, sketch.outputs, rows);
      const Index columns = std::max<Index>(1, array.columns / of_weight);
      sketch.tiles =
          static_cast<Index>(
              sim::partition(rows, array.rows, array.row_partition, sketch.name).size()) *
          block_count(sketch.outputs, columns);
      sketch.cells = sketch.outputs * rows * of_weight;
      // Target, programmed, its share of the panel that is read, and the present conductance where
      // it is another.
      const bool is_apart = hardware[k]->device->changes_with_time() || faults.is_active();
      sketch.cell_bytes = static_cast<double>(sketch.cells) * (is_apart ? 16 : 12);
    }
    layers.push_back(std::move(sketch));
  }
  return layers;
}

}  // namespace

WorkEstimate estimate_work(const Experiment& e, const nn::Network& network, const nn::Data& data,
                           bool trained) {
  const double images_a_chip =
      static_cast<double>(e.evaluation.images ? std::min(e.evaluation.images, data.test.size())
                                              : data.test.size()) *
          static_cast<double>(e.run.programmings_per_chip * e.run.reads_per_programming) +
      3.0 * static_cast<double>(e.evaluation.budget_images) +
      2.0 * static_cast<double>(e.evaluation.error_images);
  const double rate = measured_rate() * threads() / static_cast<double>(network.macs());
  WorkEstimate work;
  work.layers = sketch_layers(e, network);
  if (!trained)
    work.training_seconds =
        static_cast<double>(e.training.epochs * data.train.size()) * kTrainingFactor / rate;
  work.chip_seconds = images_a_chip * kChipFactor / rate;

  using Workspace = nn::Workspace<float>;
  const double images = data.train.set->bytes() + data.test.set->bytes();
  const double parameters = static_cast<double>(network.parameter_count()) * sizeof(float);
  double cells = 0;
  for (const LayerSketch& layer : work.layers) cells += layer.cell_bytes;
  double prepared = 0;
  Index widest = network.input().features();
  bool is_shared = false;  // the statistics of a batch, whose lane blocks are computed side by side
  for (Index layer = 0; layer < network.layers(); ++layer) {
    is_shared = is_shared || (network.structure(layer).batch_norm &&
                              e.training.batch_norm_statistics != nn::BatchNormStatistics::group);
    prepared += static_cast<double>(network.structure(layer).prepared) * sizeof(float);
    widest = std::max(widest, network.shape(layer).features());
  }
  // What a training keeps, a gradient per micro-batch, and what is computed at the same time.
  const auto copies = static_cast<double>(nn::kept_copies(e.training));
  const auto blocks = static_cast<double>(block_count(e.training.batch, kLanes));
  const double workspace = static_cast<double>(Workspace::bytes(network, nn::Kept::gradients));
  const double training = parameters * (copies + blocks + 2.0 * threads()) +
                          workspace * (is_shared ? blocks : std::min<double>(blocks, threads()));
  // One layer of all calibration images is there at once, with what the engines make of the
  // weights: of as many layers as are calibrated side by side on a chip. And per thread two passes
  // over a lane block, or one that keeps all outputs for a correction.
  const bool is_per_chip =
      e.time.drift_compensation != DriftCompensation::none || e.hardware.adc.recalibrate_per_chip;
  const double calibrations =
      is_per_chip ? std::min<double>(threads(), static_cast<double>(work.layers.size())) : 1.0;
  const double calibration =
      static_cast<double>(widest *
                          std::min<Index>(e.evaluation.calibration_images, data.train.size())) *
      sizeof(float);
  const double chips =
      3 * parameters + cells + calibrations * (prepared + calibration) +
      threads() * std::max(2.0 * static_cast<double>(Workspace::bytes(network, nn::Kept::live)),
                           static_cast<double>(Workspace::bytes(network, nn::Kept::outputs)));
  work.memory_bytes = images + std::max(trained ? 0.0 : training, chips);
  work.disk_bytes =
      60e3 + 200.0 * static_cast<double>(e.run.chips) + (trained ? 0 : copies * parameters);
  return work;
}

double seconds_of_macs(double count) { return count * kChipFactor / (measured_rate() * threads()); }

void refuse_beyond_memory(const WorkEstimate& work, const Experiment& e) {
  const double there = machine_memory();
  if (work.memory_bytes <= there) return;
  throw ConfigError(
      fmt::format("{}: this takes about {:.1f} GiB of memory, and the machine has {:.1f}; a "
                  "smaller network, or "
                  "fewer evaluation.calibration_images, takes less (--dry-run says how much)",
                  e.origin.place, work.memory_bytes / kGibibyte, there / kGibibyte));
}

void print_work(const Console& console, const std::string& place,
                std::optional<double> training_seconds, std::optional<double> chip_seconds,
                double memory_bytes, double disk_bytes) {
  std::vector<std::string> parts;
  if (training_seconds) parts.push_back(human_time(*training_seconds) + " for trainings");
  if (chip_seconds) parts.push_back(human_time(*chip_seconds) + " for chips");
  console.print("time      about {}, on {} threads\n", fmt::join(parts, ", "), threads());
  const double there = machine_memory();
  console.print("memory    about {:.0f} MiB{}\n", memory_bytes / kMebibyte,
                memory_bytes > there
                    ? fmt::format(": more than this machine's {:.0f} MiB, so it would be refused",
                                  there / kMebibyte)
                    : "");
  console.print("disk      about {:.1f} MB in {}\n", disk_bytes / 1e6, place);
}

namespace {

/// The hardware, what each layer takes of it, and the chips that are measured.
void print_chips(const Experiment& e, const nn::Network& network, const WorkEstimate& work,
                 const Console& console) {
  console.print("hardware  {}\n", hardware_words(e));
  const int width = name_column(network);
  const auto print_row = [&](const std::string& name, const std::string& size,
                             const std::string& tiles, const std::string& cells) {
    console.print("{:<{}} {:>13} {:>6} {:>12}\n", name, width, size, tiles, cells);
  };
  print_row("layer", "out x in", "tiles", "cells");
  Index tiles = 0, cells = 0;
  for (const LayerSketch& layer : work.layers) {
    print_row(layer.name, fmt::format("{} x {}", layer.outputs, layer.inputs),
              layer.tiles ? std::to_string(layer.tiles) : "-",
              layer.tiles ? grouped(layer.cells) : "digital");
    tiles += layer.tiles;
    cells += layer.cells;
  }
  print_row("sum", "", std::to_string(tiles), grouped(cells));
  console.print("chips     {}, {} programming{} each, {} read{} each: about {}\n", e.run.chips,
                e.run.programmings_per_chip, e.run.programmings_per_chip == 1 ? "" : "s",
                e.run.reads_per_programming, e.run.reads_per_programming == 1 ? "" : "s",
                human_time(work.chip_seconds * static_cast<double>(e.run.chips)));
}

}  // namespace

void print_dry_run(const Experiment& e, const nn::Network& network, const nn::Data& data,
                   const DryRun& what, const Console& console) {
  const WorkEstimate work = estimate_work(e, network, data, what.trained.value_or(false));
  console.print("network   {} layers, {} parameters, {} multiply-accumulates per image\n",
                network.layers(), grouped(network.parameter_count()), grouped(network.macs()));
  console.print("data      {}: {} training, {} validation, {} test images\n", data.params.set,
                grouped(data.train.size()), grouped(data.validation.size()),
                grouped(data.test.size()));
  console.print("training  {}{}\n",
                what.trained.value_or(false) ? "none: the network is there"
                                             : fmt::format("{} epochs, about {}", e.training.epochs,
                                                           human_time(work.training_seconds)),
                what.trained ? "" : " (no run on this machine has read these images yet)");
  std::optional<double> chip_seconds;
  if (what.has_chips) {
    print_chips(e, network, work, console);
    chip_seconds = work.chip_seconds * static_cast<double>(e.run.chips);
  }
  print_work(console, what.place, work.training_seconds, chip_seconds, work.memory_bytes,
             work.disk_bytes);
}

}  // namespace ohmic::lab
