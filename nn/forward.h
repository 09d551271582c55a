#pragma once

#include <functional>

#include "nn/deployment.h"
#include "nn/network.h"
#include "nn/workspace.h"

/// Passes of one lane block through a network.
namespace ohmic::nn {

/// What the engines make of a network's parameters, layer by layer: worth it where many lane blocks
/// are computed with the same ones.
template <class T>
using PreparedParameters = std::vector<AlignedVector<T>>;
/// Those of layers before `end`.
template <class T>
PreparedParameters<T> prepare(const Network& network, const ParameterSet<T>& parameters, Index end);
template <class T>
PreparedParameters<T> prepare(const Network& network, const ParameterSet<T>& parameters) {
  return prepare(network, parameters, network.layers());
}

/// Fills the workspace's outputs from its input. `prepared`, of these parameters, saves time.
template <class T>
void forward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
             const Pass& pass, const PreparedParameters<T>* prepared = nullptr);

/// Runs layers first .. end - 1; the workspace holds the outputs of those before. Where it keeps
/// live outputs, that of layer end - 1 is there until the next call.
template <class T>
void forward_layers(Index first, Index end, const Network& network,
                    const ParameterSet<T>& parameters, Workspace<T>& workspace, const Pass& pass,
                    const PreparedParameters<T>* prepared = nullptr);

/// Inference in which `deployment` multiplies where it has an operator; biases are added digitally
/// unless the operator does. context.first_sample is the index of lane 0 in the data set.
/// `after_mac`, which may be empty, is called when the output of MAC layer k is there.
void forward(const Network& network, const ParameterSet<float>& parameters,
             Workspace<float>& workspace, const Pass& pass, const Deployment& deployment,
             const ReadContext& context, const std::function<void(Index k)>& after_mac = {});

/// What is added to the gradient by a layer's output before it is passed on (feature matching).
template <class T>
using OutputLoss = std::function<void(Index layer, View<T> gradient)>;

/// Adds the gradients by the parameters to `gradient`, from workspace.gradient(last layer), after
/// forward(). Nothing is computed for layers before the first that is not frozen. Batch-norm that
/// observes statistics puts them in place of the gradients of its running ones.
template <class T>
void backward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
              const Pass& pass, ParameterSet<T>& gradient, const OutputLoss<T>& output_loss = {});

/// One lane block of a batch.
template <class T>
struct BatchBlock {
  const ParameterSet<T>* parameters;
  Workspace<T>* workspace;
  Pass pass;
  ParameterSet<T>* gradient = nullptr;
  OutputLoss<T> output_loss = {};
};
/// The same for a batch, layer by layer through all its blocks, which may share statistics.
template <class T>
void forward(const Network& network, std::span<const BatchBlock<T>> batch);
template <class T>
void backward(const Network& network, std::span<const BatchBlock<T>> batch);

/// Whether lane blocks of one batch have to be computed side by side.
bool shares_sums(const Network& network, const Pass& pass);

/// What MAC layer k reads, as hardware sees it: the first `samples` lanes. Borrows from the
/// workspace.
PatchView patch_view(const Network& network, const Workspace<float>& workspace, Index k,
                     Index samples);

}  // namespace ohmic::nn
