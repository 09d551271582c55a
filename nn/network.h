#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/layer.h"
#include "nn/network_spec.h"

namespace ohmic::nn {

/// A checked structure: layers with names, shapes and inputs. A value, cheap to copy; numbers live
/// in a ParameterSet.
class Network {
 public:
  /// Index of the image where a layer's input is asked for.
  static constexpr Index kImage = -1;

  /// Throws what fail() throws, naming the layer: unknown or later input, shapes that do not fit, a
  /// name twice.
  Network(NetworkSpec spec, Shape input);

  /// Every name filled in.
  const NetworkSpec& spec() const { return spec_; }
  Shape input() const { return input_; }
  Shape output() const { return shape(layers() - 1); }
  Index layers() const { return static_cast<Index>(spec_.size()); }
  const std::string& name(Index layer) const { return spec_[at(layer)].name; }
  Shape shape(Index layer) const { return layer == kImage ? input_ : structure(layer).output; }
  const LayerStructure& structure(Index layer) const { return layer32_[at(layer)]->structure(); }
  /// Layers (or kImage) that feed `layer`.
  const std::vector<Index>& inputs(Index layer) const { return inputs_[at(layer)]; }
  /// True if training needs the gradient of this layer's output: it or something before it is
  /// trained.
  bool needs_gradient(Index layer) const { return layer != kImage && needs_gradient_[at(layer)]; }

  /// A run of layers from first to last whose channels are apart: they may be computed channel by
  /// channel, so that all of them are busy at the same time. A layer by itself is a run.
  struct Run {
    Index first, last;
  };
  Run run_of(Index layer) const { return runs_[at(layer)]; }

  /// The layers that multiply by a matrix, in order: entry k is "MAC layer k" of deployments and of
  /// addresses.
  const std::vector<Index>& mac_layers() const { return mac_layers_; }
  const Mac& mac(Index k) const { return *structure(mac_layers_[static_cast<std::size_t>(k)]).mac; }
  /// Multiply-accumulates per image, of all MAC layers.
  Index macs() const;
  /// Trained numbers.
  Index parameter_count() const;

  template <class T>
  const Layer<T>& layer(Index layer) const {
    if constexpr (std::is_same_v<T, float>)
      return *layer32_[at(layer)];
    else
      return *layer64_[at(layer)];
  }

 private:
  static std::size_t at(Index layer) { return static_cast<std::size_t>(layer); }
  NetworkSpec spec_;
  Shape input_;
  std::vector<std::shared_ptr<const Layer<float>>> layer32_;
  std::vector<std::shared_ptr<const Layer<double>>> layer64_;
  std::vector<std::vector<Index>> inputs_;
  std::vector<bool> needs_gradient_;
  std::vector<Index> mac_layers_;
  std::vector<Run> runs_;  ///< of each layer
};

/// The network that `params` ask for. ConfigError where its outputs are not `classes`.
Network build_network(const NetworkParams& params, const Shape& input, Index classes);

/// A set of the network's parameters, all zero.
template <class T>
ParameterSet<T> zero_parameters(const Network& network);

/// First values as PyTorch draws them: weights and biases uniform in +-1/sqrt(fan_in), batch-norm
/// 1, 0, 0, 1. Drawn at initialisation addresses under `seed`.
ParameterSet<float> initial_parameters(const Network& network, std::uint64_t seed);

/// A structure with its numbers.
struct TrainedNetwork {
  Network network;
  ParameterSet<float> parameters;
};

/// The same function without the batch-norm layers that directly follow a linear or conv layer
/// which nothing else reads: scale and shift go into its weight and bias. Other batch-norm layers
/// stay (digital).
TrainedNetwork fold_batch_norm(const Network& network, const ParameterSet<float>& parameters);

/// "conv1 (conv) 6 x 28 x 28": what differs between two structures, or "" if nothing does.
std::string difference(const NetworkSpec& a, const Shape& input_a, const NetworkSpec& b,
                       const Shape& input_b);

}  // namespace ohmic::nn
