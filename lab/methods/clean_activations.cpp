#include "lab/methods/clean_activations.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "nn/fill_lanes.h"

namespace ohmic::lab {

CleanActivations::CleanActivations(const nn::Network& network,
                                   const nn::ParameterSet<float>& parameters,
                                   const nn::ImageList& images,
                                   const nn::Normalisation& normalisation)
    : network_(network), parameters_(parameters), images_(images.size()) {
  const Index blocks = block_count(images.size(), kLanes);
  samples_.resize(static_cast<std::size_t>(blocks));
  inputs_.resize(samples_.size());
  for_each_block(blocks, [&](Index block) {
    const auto at = static_cast<std::size_t>(block);
    samples_[at] = std::min(kLanes, images.size() - block * kLanes);
    std::vector<Index> positions(static_cast<std::size_t>(samples_[at]));
    std::iota(positions.begin(), positions.end(), block * kLanes);
    std::vector<nn::Label> labels(positions.size());
    inputs_[at] = Matrix<float>(network.input().features(), kLanes);
    nn::fill_lanes<float>(images, normalisation, positions, inputs_[at], labels);
  });
}

LayerActivations CleanActivations::outputs(Index l) const {
  if (l == nn::Network::kImage) return inputs_;
  LayerActivations all(inputs_.size());
  const auto prepared = nn::prepare(network_, parameters_, l + 1);
  for_each_block(blocks(), [&](Index block) {
    const auto at = static_cast<std::size_t>(block);
    nn::Workspace<float> workspace(network_, nn::Kept::live);
    std::copy_n(inputs_[at].data(), inputs_[at].size(), workspace.input().data());
    nn::forward_layers(0, l + 1, network_, parameters_, workspace, {.samples = samples(block)},
                       &prepared);
    all[at].assign(workspace.output(l));
  });
  return all;
}

LayerActivations CleanActivations::inputs(Index k) const {
  return outputs(network_.inputs(network_.mac_layers()[static_cast<std::size_t>(k)]).front());
}

std::vector<PatchView> CleanActivations::patches(Index k, const LayerActivations& inputs) const {
  std::vector<PatchView> views;
  for (std::size_t block = 0; block < inputs.size(); ++block) {
    views.push_back(network_.mac(k).patch);
    views.back().data = inputs[block].data();
    views.back().samples = samples_[block];
  }
  return views;
}

void CleanActivations::compute(Index block, Index first, Index end,
                               nn::Workspace<float>& workspace) const {
  const Matrix<float>& image = inputs_[static_cast<std::size_t>(block)];
  if (first == 0) std::copy_n(image.data(), image.size(), workspace.input().data());
  nn::forward_layers(first, end, network_, parameters_, workspace, {.samples = samples(block)});
}

}  // namespace ohmic::lab
