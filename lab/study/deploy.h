#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "lab/experiment/experiment.h"
#include "nn/deployment.h"
#include "nn/forward.h"
#include "nn/inference.h"

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

/// Whose chip it is, and how many copies of every matrix it holds.
struct ChipKind {
  devices::Population population = devices::Population::reported;
  Index copies = 1;
  Index best = 1;  ///< copies that are averaged for an output
  /// Products whose cells are taken as they are, one a MAC layer; null: cells are programmed.
  const std::vector<std::shared_ptr<const LinearOperator>>* cells = nullptr;
};

/// One programmed chip as operators of the network. `counts`: of the cells of every MAC layer.
nn::Deployment deploy(const HardwarePlan& plan, const RandomStream& stream, Index chip,
                      Index programming, const sim::ChipOptions& options,
                      const CleanActivations* recalibration = nullptr, const ChipKind& kind = {},
                      std::vector<sim::CellCounts>* counts = nullptr);

/// Classifies `images` on a chip; counts go to `activity` where it is given.
nn::Evaluation evaluate_chip(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                             const nn::ImageList& images, const nn::Normalisation& normalisation,
                             const nn::Deployment& deployment, const ReadContext& reader,
                             Index batch, Activity* activity = nullptr);

}  // namespace ohmic::lab
