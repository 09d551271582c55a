#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "lab/experiment/experiment.h"
#include "lab/methods/method.h"
#include "nn/inference.h"

namespace ohmic::lab {

/// Maps every layer and calibrates its converters on clean activations (of the first training
/// images), layer by layer.
HardwarePlan make_plan(const Experiment& experiment, const nn::Network& network,
                       const nn::ParameterSet<float>& parameters, const CleanActivations& clean);
HardwarePlan make_plan(const Experiment& experiment, const nn::Network& network,
                       const nn::ParameterSet<float>& parameters, const nn::Data& data);
/// The sizes of what `network` will need, before it has weights; throws whatever does not fit.
HardwarePlan sketch_plan(const Experiment& experiment, const nn::Network& network);

/// Puts the user's fault map of the layer into its plan, where the config names one. FileError,
/// ShapeError.
void put_fault_map(const Experiment& experiment, sim::LayerPlan& plan);

/// Programs one chip. `counts`: of the cells of every MAC layer.
ProgrammedLayers program_layers(const HardwarePlan& plan, const RandomStream& stream, Index chip,
                                Index programming, const sim::ChipOptions& options,
                                const CleanActivations* recalibration = nullptr,
                                const ChipKind& kind = {},
                                std::vector<sim::CellCounts>* counts = nullptr);

/// They multiply, and nothing is corrected.
nn::Deployment deployment_of(const ProgrammedLayers& layers);

/// Classifies `images` on a chip; counts go to `activity` where it is given.
nn::Evaluation evaluate_chip(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                             const nn::ImageList& images, const nn::Normalisation& normalisation,
                             const nn::Deployment& deployment, const ReadContext& reader,
                             Index batch, Activity* activity = nullptr);

}  // namespace ohmic::lab
