#include "lab/dry_run.h"

#include <algorithm>
#include <chrono>

#include "base/kernels.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "lab/run_table.h"

namespace ohmic::lab {
namespace {

/// Multiply-accumulates a second of one thread, measured on a product of a usual size for a few
/// milliseconds.
double measured_rate() {
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

// Whole passes against the bare product (measured with LeNet-5): training has two more products and
// its bookkeeping, a noisy chip its normals and conversions.
constexpr double kTrainingFactor = 4.5, kChipFactor = 2.5;

}  // namespace

RunEstimate estimate_run(const Experiment& e, const nn::Network& network, const nn::Data& data,
                         bool trained) {
  const double images_a_chip =
      static_cast<double>(e.evaluation.images ? std::min(e.evaluation.images, data.test.size())
                                              : data.test.size()) *
          static_cast<double>(e.run.programmings_per_chip * e.run.reads_per_programming) +
      3.0 * static_cast<double>(e.evaluation.budget_images) +
      2.0 * static_cast<double>(e.evaluation.error_images);
  const double rate = measured_rate() * threads() / static_cast<double>(network.macs());
  return {trained
              ? 0
              : static_cast<double>(e.training.epochs * data.train.size()) * kTrainingFactor / rate,
          images_a_chip * kChipFactor / rate};
}

void print_dry_run(const Experiment& e, const nn::Network& network, const nn::Data& data,
                   bool trained, const Console& console) {
  const HardwarePlan plan = sketch_plan(e, network);
  const RunEstimate estimate = estimate_run(e, network, data, trained);

  Index activations = network.input().features();
  for (Index layer = 0; layer < network.layers(); ++layer)
    activations += network.shape(layer).features();
  const double block = static_cast<double>(activations * kLanes) * sizeof(float);
  const double calibration =
      block *
      static_cast<double>(
          block_count(std::min<Index>(e.evaluation.calibration_images, data.train.size()), kLanes) +
          block_count(std::min<Index>(e.evaluation.error_images, data.test.size()), kLanes));
  const double memory =
      static_cast<double>(data.train.set->pixels.size() + data.test.set->pixels.size()) +
      calibration + block * 4 * threads() + static_cast<double>(plan.cells()) * 16;

  console.print("network   {} layers, {} parameters, {} multiply-accumulates an image\n",
                network.layers(), grouped(network.parameter_count()), grouped(network.macs()));
  console.print("data      {}: {} training, {} validation, {} test images\n", data.name,
                grouped(data.train.size()), grouped(data.validation.size()),
                grouped(data.test.size()));
  console.print("training  {}\n", trained ? "none: the network is there"
                                          : fmt::format("{} epochs, about {}", e.training.epochs,
                                                        human_time(estimate.training_seconds)));
  console.print("hardware  {}\n", hardware_words(e));
  console.print("{:<10} {:>13} {:>6} {:>12}\n", "layer", "out x in", "tiles", "cells");
  for (std::size_t k = 0; k < plan.layers.size(); ++k) {
    const auto& layer = plan.layers[k];
    const nn::Mac& mac = network.mac(static_cast<Index>(k));
    console.print(
        "{:<10} {:>13} {:>6} {:>12}\n", network.name(network.mac_layers()[k]),
        fmt::format("{} x {}", mac.outputs, mac.patch.inputs()),
        layer ? std::to_string(layer->tiles()) : "-",
        layer ? grouped(layer->mapped.size() * sim::columns_of(layer->hardware.array.mapping))
              : "digital");
  }
  console.print("{:<10} {:>13} {:>6} {:>12}\n", "sum", "", plan.tiles(), grouped(plan.cells()));
  console.print("chips     {}, {} programming{} each, {} read{} each: about {}\n", e.run.chips,
                e.run.programmings_per_chip, e.run.programmings_per_chip == 1 ? "" : "s",
                e.run.reads_per_programming, e.run.reads_per_programming == 1 ? "" : "s",
                human_time(estimate.chip_seconds * static_cast<double>(e.run.chips)));
  console.print("memory    about {:.0f} MiB\n", memory / 1048576.0);
}

}  // namespace ohmic::lab
