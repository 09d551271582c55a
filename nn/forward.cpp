#include "nn/forward.h"

#include <algorithm>
#include <array>

#include "base/parallel.h"

namespace ohmic::nn {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// What a deployed layer multiplies, and its digital bias.
void apply_operator(const LinearOperator& op, const PatchView& x, const ReadContext& context,
                    const LayerParameters<float>& parameters, View<float> y) {
  const Index positions = x.positions(), outputs = y.rows() / positions;
  op.apply(x, context,
           {.data = y.data(),
            .sample_stride = 1,
            .output_stride = positions * kLanes,
            .position_stride = kLanes});
  if (op.adds_bias() || parameters.size() < 2) return;
  for (Index o = 0; o < outputs; ++o)
    for (Index i = o * positions * kLanes; i < (o + 1) * positions * kLanes; ++i)
      y.data()[i] += parameters[1].value(0, o);
}

bool is_frozen(const Pass& pass, Index l) { return pass.is_frozen && (*pass.is_frozen)[at(l)]; }

/// A frozen layer computes as in inference: its batch-norm keeps its statistics.
Pass pass_of(const Pass& pass, Index l) {
  Pass own = pass;
  if (is_frozen(pass, l)) own.mode = Mode::inference;
  return own;
}

/// Layers whose output's gradient is asked for: something at or before them is trained.
std::vector<bool> wanted_gradients(const Network& network, const Pass& pass) {
  std::vector<bool> wanted;
  for (Index l = 0; l < network.layers(); ++l) {
    bool needs = !network.structure(l).parameters.empty() && !is_frozen(pass, l);
    for (const Index from : network.inputs(l))
      needs = needs || (from != Network::kImage && wanted[at(from)]);
    wanted.push_back(needs);
  }
  return wanted;
}

template <class T>
ForwardArguments<T> forward_arguments(const Network& network, Index l, const BatchBlock<T>& block,
                                      const Pass& pass, const PreparedParameters<T>* prepared) {
  Workspace<T>& workspace = *block.workspace;
  const bool is_prepared = prepared && !(*prepared)[at(l)].empty();
  return {pass,
          l,
          workspace.inputs(l),
          (*block.parameters)[at(l)],
          is_prepared ? (*prepared)[at(l)].data() : nullptr,
          workspace.state(l),
          workspace.scratch(),
          workspace.output(l).data()};
}

template <class T>
void merge_sums(const Network& network, Index l, std::span<const BatchBlock<T>> batch,
                const Pass& pass, bool is_backward) {
  std::vector<T*> states;
  for (const BatchBlock<T>& block : batch) states.push_back(block.workspace->state(l));
  if (pass.statistics == Statistics::batch)
    network.layer<T>(l).merge_sums(states, is_backward);
  else  // each block is a whole
    for (T*& state : states) network.layer<T>(l).merge_sums({&state, 1}, is_backward);
}

template <class T>
void run_layer(const Network& network, Index l, std::span<const BatchBlock<T>> batch,
               const PreparedParameters<T>* prepared) {
  const Layer<T>& layer = network.layer<T>(l);
  const Pass first = pass_of(batch.front().pass, l);
  if (layer.shares_sums(first)) {
    for (const BatchBlock<T>& block : batch)
      layer.observe(forward_arguments(network, l, block, pass_of(block.pass, l), prepared));
    merge_sums(network, l, batch, first, false);
  }
  for (const BatchBlock<T>& block : batch)
    layer.forward(forward_arguments(network, l, block, pass_of(block.pass, l), prepared));
}

template <class T>
void run_layer(const Network& network, Index l, const ParameterSet<T>& parameters,
               const PreparedParameters<T>* prepared, Workspace<T>& workspace, const Pass& pass) {
  const BatchBlock<T> block{&parameters, &workspace, pass};
  run_layer(network, l, std::span(&block, 1), prepared);
}

}  // namespace

template <class T>
PreparedParameters<T> prepare(const Network& network, const ParameterSet<T>& parameters) {
  PreparedParameters<T> prepared(at(network.layers()));
  for (Index l = 0; l < network.layers(); ++l) {
    prepared[at(l)].resize(at(network.structure(l).prepared));
    if (!prepared[at(l)].empty())
      network.layer<T>(l).prepare(parameters[at(l)], prepared[at(l)].data());
  }
  return prepared;
}

template <class T>
void forward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
             const Pass& pass, const PreparedParameters<T>* prepared) {
  for (Index l = 0; l < network.layers(); ++l)
    run_layer(network, l, parameters, prepared, workspace, pass);
}

void forward(const Network& network, const ParameterSet<float>& parameters,
             Workspace<float>& workspace, const Pass& pass, const Deployment& deployment,
             const ReadContext& context) {
  ensure(deployment.macs.size() == network.mac_layers().size(),
         "a deployment has one entry a MAC layer");
  Index k = 0;
  for (Index l = 0; l < network.layers(); ++l) {
    if (!network.structure(l).mac) {
      run_layer<float>(network, l, parameters, nullptr, workspace, pass);
      continue;
    }
    if (const LinearOperator* op = deployment.macs[at(k)].get())
      apply_operator(*op, patch_view(network, workspace, k, pass.samples), context,
                     parameters[at(l)], workspace.output(l));
    else
      run_layer<float>(network, l, parameters, nullptr, workspace, pass);
    if (!deployment.after.empty() && deployment.after[at(k)])
      deployment.after[at(k)]->apply(workspace.output(network.inputs(l).front()).data(),
                                     workspace.output(l).data());
    ++k;
  }
}

template <class T>
void forward(const Network& network, std::span<const BatchBlock<T>> batch) {
  for (Index l = 0; l < network.layers(); ++l) run_layer<T>(network, l, batch, nullptr);
}

bool shares_sums(const Network& network, const Pass& pass) {
  if (pass.statistics != Statistics::batch) return false;
  for (Index l = 0; l < network.layers(); ++l)
    if (network.layer<float>(l).shares_sums(pass_of(pass, l))) return true;
  return false;
}

template <class T>
void backward(const Network& network, std::span<const BatchBlock<T>> batch) {
  for (const BatchBlock<T>& block : batch)
    ensure(block.workspace->is_for_training(), "this workspace has no room for gradients");
  const std::vector<bool> wanted = wanted_gradients(network, batch.front().pass);
  // A layer's first reader (from the end) writes its gradient, later ones go by way of the spare
  // room and are added.
  std::vector<bool> is_written(at(network.layers()), false);
  is_written.back() = true;
  for (Index l = network.layers() - 1; l >= 0; --l) {
    if (!wanted[at(l)] || !is_written[at(l)]) continue;
    const Layer<T>& layer = network.layer<T>(l);
    const std::vector<Index>& from = network.inputs(l);
    bool is_added[kMostInputs] = {};
    for (std::size_t i = 0; i < from.size(); ++i)
      if (from[i] != Network::kImage && wanted[at(from[i])]) {
        is_added[i] = is_written[at(from[i])];
        is_written[at(from[i])] = true;
      }
    ensure(std::count(is_added, is_added + kMostInputs, true) <= 1 ||
               network.structure(l).has_equal_gradients,
           "two inputs need the spare room");
    const auto inputs_of = [&](const BatchBlock<T>& block) {
      std::array<T*, kMostInputs> dx{};
      for (std::size_t i = 0; i < from.size(); ++i)
        if (from[i] != Network::kImage && wanted[at(from[i])])
          dx[i] =
              is_added[i] ? block.workspace->spare() : block.workspace->gradient(from[i]).data();
      return dx;
    };
    const auto arguments = [&](const BatchBlock<T>& block, const Pass& pass,
                               const std::array<T*, kMostInputs>& dx) -> BackwardArguments<T> {
      Workspace<T>& workspace = *block.workspace;
      return {pass,
              workspace.inputs(l),
              workspace.output(l).data(),
              workspace.gradient(l).data(),
              (*block.parameters)[at(l)],
              workspace.state(l),
              workspace.work(l),
              workspace.scratch(),
              is_frozen(pass, l),
              {dx.data(), from.size()},
              (*block.gradient)[at(l)]};
    };
    const Pass first = pass_of(batch.front().pass, l);
    for (const BatchBlock<T>& block : batch) {
      if (block.output_loss) block.output_loss(l, block.workspace->gradient(l));
      if (layer.shares_sums(first))
        layer.observe_backward(arguments(block, pass_of(block.pass, l), inputs_of(block)));
    }
    if (layer.shares_sums(first)) merge_sums(network, l, batch, first, true);
    for (const BatchBlock<T>& block : batch) {
      const std::array<T*, kMostInputs> dx = inputs_of(block);
      layer.backward(arguments(block, pass_of(block.pass, l), dx));
      for (std::size_t i = 0; i < from.size(); ++i) {
        if (!is_added[i]) continue;
        const View<T> sum = block.workspace->gradient(from[i]);
        for_each_part(sum.rows(), kLanes, [&](Index begin, Index end) {
          kernels_of<T>().accumulate((end - begin) * kLanes, dx[i] + begin * kLanes, T(1),
                                     sum.row(begin));
        });
      }
    }
  }
}

template <class T>
void backward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
              const Pass& pass, ParameterSet<T>& gradient, const OutputLoss<T>& output_loss) {
  const BatchBlock<T> block{&parameters, &workspace, pass, &gradient, output_loss};
  backward(network, std::span(&block, 1));
}

PatchView patch_view(const Network& network, const Workspace<float>& workspace, Index k,
                     Index samples) {
  PatchView view = network.mac(k).patch;
  const Index layer = network.mac_layers()[at(k)];
  view.data = workspace.output(network.inputs(layer).front()).data();
  view.samples = samples;
  return view;
}

template void forward(const Network&, std::span<const BatchBlock<float>>);
template void backward(const Network&, std::span<const BatchBlock<float>>);
template PreparedParameters<float> prepare(const Network&, const ParameterSet<float>&);
template void forward(const Network&, std::span<const BatchBlock<double>>);
template void backward(const Network&, std::span<const BatchBlock<double>>);
template PreparedParameters<double> prepare(const Network&, const ParameterSet<double>&);
template void forward(const Network&, const ParameterSet<float>&, Workspace<float>&, const Pass&,
                      const PreparedParameters<float>*);
template void forward(const Network&, const ParameterSet<double>&, Workspace<double>&, const Pass&,
                      const PreparedParameters<double>*);
template void backward(const Network&, const ParameterSet<float>&, Workspace<float>&, const Pass&,
                       ParameterSet<float>&, const OutputLoss<float>&);
template void backward(const Network&, const ParameterSet<double>&, Workspace<double>&, const Pass&,
                       ParameterSet<double>&, const OutputLoss<double>&);

}  // namespace ohmic::nn
