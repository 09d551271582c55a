#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "lab/experiment/experiment.h"
#include "nn/deployment.h"
#include "nn/forward.h"
#include "nn/inference.h"
#include "sim/ensemble.h"

namespace ohmic::lab {

/// A trained network mapped to hardware: what is the same for every chip.
struct HardwarePlan {
  std::vector<std::optional<sim::LayerPlan>> layers;  ///< one a MAC layer; none stays digital
  std::size_t tiles() const;
  std::int64_t cells() const;
};

/// Maps every layer and calibrates its converters on clean activations (of the first training
/// images), layer by layer.
class CleanActivations;
HardwarePlan make_plan(const Experiment& experiment, const nn::Network& network,
                       const nn::ParameterSet<float>& parameters, const CleanActivations& clean);
HardwarePlan make_plan(const Experiment& experiment, const nn::Network& network,
                       const nn::ParameterSet<float>& parameters, const nn::Data& data);
/// The sizes of what `network` will need, before it has weights; throws whatever does not fit.
HardwarePlan sketch_plan(const Experiment& experiment, const nn::Network& network);

/// Puts the user's fault map of the layer into its plan, where the config names one. FileError,
/// ShapeError.
void put_fault_map(const Experiment& experiment, sim::LayerPlan& plan);

/// Lane blocks of clean activations: a workspace each, all layers' outputs kept.
class CleanActivations {
 public:
  CleanActivations(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                   const nn::ImageList& images, const nn::Normalisation& normalisation);
  Index blocks() const { return static_cast<Index>(samples_.size()); }
  Index samples(Index block) const { return samples_[static_cast<std::size_t>(block)]; }
  Index images() const { return images_; }
  const nn::Workspace<float>& workspace(Index block) const {
    return *workspaces_[static_cast<std::size_t>(block)];
  }
  /// What MAC layer k reads, block by block.
  std::vector<PatchView> inputs(Index k) const;

 private:
  const nn::Network& network_;
  std::vector<std::unique_ptr<nn::Workspace<float>>> workspaces_;
  std::vector<Index> samples_;
  Index images_ = 0;
};

/// The layers of one programmed chip: one per MAC layer, null where it stays digital.
using ProgrammedLayers = std::vector<std::shared_ptr<const sim::Ensemble>>;

/// Whose chip it is, and how often it holds every matrix.
struct ChipKind {
  devices::Population population = devices::Population::reported;
  Index members = 1;
  Index best = 1;  ///< members that are averaged for an output
  /// Layers whose cells are taken as they are; null: cells are programmed.
  const ProgrammedLayers* cells = nullptr;
};

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
