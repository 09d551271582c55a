#pragma once

#include <functional>

#include "nn/deployment.h"
#include "nn/network.h"

/// Passes of one lane block through a network.
namespace ohmic::nn {

/// The activations of one lane block: features x kLanes per layer. Made once per thread and reused;
/// lanes beyond the valid ones hold finite numbers.
template <class T>
class Workspace {
 public:
  /// With `for_training`, also what backward() needs.
  Workspace(const Network& network, bool for_training);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  View<T> input() { return output(Network::kImage); }
  /// Output of a layer, or the image for Network::kImage.
  View<T> output(Index layer) { return {slot(layer).output, slot(layer).features, kLanes}; }
  ConstView<T> output(Index layer) const {
    return {slot(layer).output, slot(layer).features, kLanes};
  }
  /// Gradient of the loss by a layer's output.
  View<T> gradient(Index layer) { return {slot(layer).gradient, slot(layer).features, kLanes}; }

  /// For the passes: numbers of their own for layers, and room for one more gradient.
  T* state(Index layer) { return slot(layer).state; }
  T* work(Index layer) { return slot(layer).work; }
  std::span<const T* const> inputs(Index layer) const { return slot(layer).inputs; }
  T* spare() { return spare_; }
  bool is_for_training() const { return spare_ != nullptr; }

 private:
  struct Slot {
    Index features = 0;
    T *output = nullptr, *gradient = nullptr, *state = nullptr, *work = nullptr;
    std::vector<const T*> inputs;
  };
  const Slot& slot(Index layer) const { return slots_[static_cast<std::size_t>(layer + 1)]; }
  AlignedVector<T> arena_;
  std::vector<Slot> slots_;  ///< of the image, then of each layer
  T* spare_ = nullptr;
};

/// Fills the workspace's outputs from its input.
template <class T>
void forward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
             const Pass& pass);

/// Inference in which `deployment` multiplies where it has an operator; biases are added digitally
/// unless the operator does. context.first_sample is the index of lane 0 in the data set.
void forward(const Network& network, const ParameterSet<float>& parameters,
             Workspace<float>& workspace, const Pass& pass, const Deployment& deployment,
             const ReadContext& context);

/// What is added to the gradient by a layer's output before it is passed on (feature matching).
template <class T>
using OutputLoss = std::function<void(Index layer, View<T> gradient)>;

/// Adds the gradients by the parameters to `gradient`, from workspace.gradient(last layer), after
/// forward(). Nothing is computed for layers before the first that is not frozen. Batch-norm in
/// training mode puts the block's statistics in place of the gradients of its running ones.
template <class T>
void backward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
              const Pass& pass, ParameterSet<T>& gradient, const OutputLoss<T>& output_loss = {});

/// What MAC layer k reads, as hardware sees it: the first `samples` lanes. Borrows from the
/// workspace.
PatchView patch_view(const Network& network, const Workspace<float>& workspace, Index k,
                     Index samples);

}  // namespace ohmic::nn
