#pragma once

#include <memory>
#include <vector>

#include "nn/dataset.h"
#include "nn/forward.h"

namespace ohmic::lab {

/// What a network computes without hardware on some images: a workspace per lane block, all layers'
/// outputs kept.
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

}  // namespace ohmic::lab
