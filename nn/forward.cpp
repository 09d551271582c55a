#include "nn/forward.h"

#include <algorithm>

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
void run_layer(const Network& network, Index l, const ParameterSet<T>& parameters,
               Workspace<T>& workspace, const Pass& pass) {
  network.layer<T>(l).forward({pass_of(pass, l), l, workspace.inputs(l), parameters[at(l)],
                               workspace.state(l), workspace.output(l).data()});
}

}  // namespace

template <class T>
Workspace<T>::Workspace(const Network& network, bool for_training)
    : slots_(at(network.layers() + 1)) {
  // Two rounds: count what is needed, then hand it out.
  for (T* arena = nullptr;;) {
    Index used = 0;
    const auto take = [&](Index n) {
      T* first = arena ? arena + used : nullptr;
      used += (n + kLanes - 1) / kLanes * kLanes;
      return first;
    };
    Index most = 0;
    for (Index l = Network::kImage; l < network.layers(); ++l) {
      Slot& s = slots_[at(l + 1)];
      s.features = network.shape(l).features();
      most = std::max(most, s.features);
      s.output = take(s.features * kLanes);
      if (for_training) s.gradient = take(s.features * kLanes);
      if (l == Network::kImage) continue;
      s.state = take(network.structure(l).state);
      if (for_training) s.work = take(network.structure(l).work);
    }
    if (for_training) spare_ = take(most * kLanes);
    if (arena) break;
    arena_.resize(at(used));
    arena = arena_.data();
  }
  for (Index l = 0; l < network.layers(); ++l)
    for (Index from : network.inputs(l))
      slots_[at(l + 1)].inputs.push_back(slots_[at(from + 1)].output);
}

template <class T>
void forward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
             const Pass& pass) {
  for (Index l = 0; l < network.layers(); ++l) run_layer(network, l, parameters, workspace, pass);
}

void forward(const Network& network, const ParameterSet<float>& parameters,
             Workspace<float>& workspace, const Pass& pass, const Deployment& deployment,
             const ReadContext& context) {
  ensure(deployment.macs.size() == network.mac_layers().size(),
         "a deployment has one entry a MAC layer");
  Index k = 0;
  for (Index l = 0; l < network.layers(); ++l) {
    if (!network.structure(l).mac) {
      run_layer(network, l, parameters, workspace, pass);
      continue;
    }
    if (const LinearOperator* op = deployment.macs[at(k)].get())
      apply_operator(*op, patch_view(network, workspace, k, pass.samples), context,
                     parameters[at(l)], workspace.output(l));
    else
      run_layer(network, l, parameters, workspace, pass);
    if (!deployment.after.empty() && deployment.after[at(k)])
      deployment.after[at(k)]->apply(workspace.output(network.inputs(l).front()).data(),
                                     workspace.output(l).data());
    ++k;
  }
}

template <class T>
void backward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
              const Pass& pass, ParameterSet<T>& gradient, const OutputLoss<T>& output_loss) {
  ensure(workspace.is_for_training(), "this workspace has no room for gradients");
  const std::vector<bool> wanted = wanted_gradients(network, pass);
  // A layer's first reader (from the end) writes its gradient, later ones go by way of the spare
  // room and are added.
  std::vector<bool> is_written(at(network.layers()), false);
  is_written.back() = true;
  for (Index l = network.layers() - 1; l >= 0; --l) {
    if (!wanted[at(l)] || !is_written[at(l)]) continue;
    if (output_loss) output_loss(l, workspace.gradient(l));
    const std::vector<Index>& from = network.inputs(l);
    T* dx[kMostInputs] = {};
    std::size_t by_way_of_spare = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i] == Network::kImage || !wanted[at(from[i])]) continue;
      by_way_of_spare += is_written[at(from[i])];
      dx[i] = is_written[at(from[i])] ? workspace.spare() : workspace.gradient(from[i]).data();
      is_written[at(from[i])] = true;
    }
    ensure(by_way_of_spare <= 1 || network.structure(l).has_equal_gradients,
           "two inputs need the spare room");
    network.layer<T>(l).backward({pass_of(pass, l),
                                  workspace.inputs(l),
                                  workspace.output(l).data(),
                                  workspace.gradient(l).data(),
                                  parameters[at(l)],
                                  workspace.state(l),
                                  workspace.work(l),
                                  is_frozen(pass, l),
                                  {dx, from.size()},
                                  gradient[at(l)]});
    for (std::size_t i = 0; i < from.size(); ++i)
      if (dx[i] == workspace.spare())
        kernels_of<T>().accumulate(workspace.gradient(from[i]).size(), dx[i], T(1),
                                   workspace.gradient(from[i]).data());
  }
}

PatchView patch_view(const Network& network, const Workspace<float>& workspace, Index k,
                     Index samples) {
  PatchView view = network.mac(k).patch;
  const Index layer = network.mac_layers()[at(k)];
  view.data = workspace.output(network.inputs(layer).front()).data();
  view.samples = samples;
  return view;
}

template class Workspace<float>;
template class Workspace<double>;
template void forward(const Network&, const ParameterSet<float>&, Workspace<float>&, const Pass&);
template void forward(const Network&, const ParameterSet<double>&, Workspace<double>&, const Pass&);
template void backward(const Network&, const ParameterSet<float>&, Workspace<float>&, const Pass&,
                       ParameterSet<float>&, const OutputLoss<float>&);
template void backward(const Network&, const ParameterSet<double>&, Workspace<double>&, const Pass&,
                       ParameterSet<double>&, const OutputLoss<double>&);

}  // namespace ohmic::nn
