#pragma once

#include <vector>

#include "nn/dataset.h"
#include "nn/forward.h"

namespace ohmic::lab {

/// The activations of one layer on all images: features x kLanes per lane block.
using LayerActivations = std::vector<Matrix<float>>;

/// What a network computes without hardware on some images. Only the images are kept: activations
/// are computed when they are asked for, layer by layer, so that no more than one layer of all
/// images is there at once. Borrows the network and its parameters. Safe to use from many threads.
class CleanActivations {
 public:
  CleanActivations(const nn::Network& network, const nn::ParameterSet<float>& parameters,
                   const nn::ImageList& images, const nn::Normalisation& normalisation);
  Index blocks() const { return static_cast<Index>(samples_.size()); }
  Index samples(Index block) const { return samples_[static_cast<std::size_t>(block)]; }
  Index images() const { return images_; }
  ConstView<float> image(Index block) const { return inputs_[static_cast<std::size_t>(block)]; }

  /// Outputs of layer l (or the images, for Network::kImage).
  LayerActivations outputs(Index l) const;
  /// What MAC layer k reads.
  LayerActivations inputs(Index k) const;
  /// `inputs` of MAC layer k as hardware sees them, block by block. Borrows from them.
  std::vector<PatchView> patches(Index k, const LayerActivations& inputs) const;
  /// Computes layers `first` to `end` - 1 of one block in a workspace that holds those before them
  /// (from 0 on: any).
  void compute(Index block, Index first, Index end, nn::Workspace<float>& workspace) const;

 private:
  const nn::Network& network_;
  const nn::ParameterSet<float>& parameters_;
  LayerActivations inputs_;
  std::vector<Index> samples_;
  Index images_ = 0;
};

}  // namespace ohmic::lab
