#include "lab/methods/clean_activations.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "nn/fill_lanes.h"
#include "nn/inference.h"

namespace ohmic::lab {

CleanActivations::CleanActivations(const nn::Network& network,
                                   const nn::ParameterSet<float>& parameters,
                                   const nn::ImageList& images,
                                   const nn::Normalisation& normalisation)
    : network_(network), images_(images.size()) {
  const Index blocks = block_count(images.size(), kLanes);
  workspaces_.resize(static_cast<std::size_t>(blocks));
  samples_.resize(static_cast<std::size_t>(blocks));
  for_each_block(blocks, [&](Index block) {
    auto workspace = std::make_unique<nn::Workspace<float>>(network, nn::Kept::outputs);
    std::vector<Index> positions(
        static_cast<std::size_t>(std::min(kLanes, images.size() - block * kLanes)));
    std::iota(positions.begin(), positions.end(), block * kLanes);
    std::vector<nn::Label> labels(positions.size());
    nn::fill_lanes(images, normalisation, positions, workspace->input(), labels);
    const nn::Pass pass{.samples = static_cast<Index>(positions.size())};
    nn::forward(network, parameters, *workspace, pass);
    samples_[static_cast<std::size_t>(block)] = pass.samples;
    workspaces_[static_cast<std::size_t>(block)] = std::move(workspace);
  });
}

std::vector<PatchView> CleanActivations::inputs(Index k) const {
  std::vector<PatchView> views;
  for (Index block = 0; block < blocks(); ++block)
    views.push_back(nn::patch_view(network_, workspace(block), k, samples(block)));
  return views;
}

}  // namespace ohmic::lab
