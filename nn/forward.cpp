#include "nn/forward.h"

#include <algorithm>
#include <array>

#include "base/parallel.h"
#include "nn/channel_layer.h"

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
ForwardArguments<T> forward_arguments(Index l, const BatchBlock<T>& block, const Pass& pass,
                                      const PreparedParameters<T>* prepared) {
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

/// Whether a layer needs sums of other blocks before it goes on.
template <class T>
bool waits(const Layer<T>& layer, const Pass& pass, std::size_t blocks) {
  return blocks > 1 && pass.statistics == Statistics::batch && layer.shares_sums(pass);
}

template <class T>
void merge_sums(const Layer<T>& layer, Index l, std::span<const BatchBlock<T>> batch,
                bool is_backward) {
  std::vector<T*> states;
  for (const BatchBlock<T>& block : batch) states.push_back(block.workspace->state(l));
  layer.merge_sums(states, is_backward);
}

/// Layers first .. last of a run, channel by channel.
template <class T>
void run_channels(const Network& network, Index first, Index last, const BatchBlock<T>& block) {
  std::vector<Pass> passes;
  std::vector<ForwardArguments<T>> arguments;
  passes.reserve(at(last - first + 1));
  for (Index l = first; l <= last; ++l) {
    passes.push_back(pass_of(block.pass, l));
    arguments.push_back(forward_arguments<T>(l, block, passes.back(), nullptr));
  }
  const ChannelLayer<T>& head = *network.layer<T>(first).by_channel();
  for_each_part(head.channels(), head.numbers(), [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c)
      for (const ForwardArguments<T>& a : arguments) {
        const ChannelLayer<T>& layer = *network.layer<T>(a.layer).by_channel();
        if (layer.shares_sums(a.pass)) layer.observe_channels(a, c, c + 1);
        layer.forward_channels(a, c, c + 1);
      }
  });
}

template <class T>
void run_layer(const Network& network, Index l, std::span<const BatchBlock<T>> batch,
               const PreparedParameters<T>* prepared) {
  const Layer<T>& layer = network.layer<T>(l);
  const Pass first = pass_of(batch.front().pass, l);
  if (layer.shares_sums(first))
    for (const BatchBlock<T>& block : batch)
      layer.observe(forward_arguments(l, block, pass_of(block.pass, l), prepared));
  if (waits(layer, first, batch.size())) merge_sums(layer, l, batch, false);
  for (const BatchBlock<T>& block : batch)
    layer.forward(forward_arguments(l, block, pass_of(block.pass, l), prepared));
}

/// All layers from `first` up to and not including `end`.
template <class T>
void run_layers(const Network& network, Index first, Index end,
                std::span<const BatchBlock<T>> batch, const PreparedParameters<T>* prepared) {
  for (Index l = first; l < end;) {
    const auto goes_on = [&](Index other) {
      return !waits(network.layer<T>(other), pass_of(batch.front().pass, other), batch.size());
    };
    const Index most = std::min(network.run_of(l).last, end - 1);
    Index last = l;
    while (last < most && goes_on(last) && goes_on(last + 1)) ++last;
    if (last == l)
      run_layer(network, l, batch, prepared);
    else
      for (const BatchBlock<T>& block : batch) run_channels(network, l, last, block);
    l = last + 1;
  }
}

}  // namespace

template <class T>
PreparedParameters<T> prepare(const Network& network, const ParameterSet<T>& parameters,
                              Index end) {
  PreparedParameters<T> prepared(at(network.layers()));
  for (Index l = 0; l < end; ++l) {
    prepared[at(l)].resize(at(network.structure(l).prepared));
    if (!prepared[at(l)].empty())
      network.layer<T>(l).prepare(parameters[at(l)], prepared[at(l)].data());
  }
  return prepared;
}

template <class T>
void forward_layers(Index first, Index end, const Network& network,
                    const ParameterSet<T>& parameters, Workspace<T>& workspace, const Pass& pass,
                    const PreparedParameters<T>* prepared) {
  const BatchBlock<T> block{&parameters, &workspace, pass};
  run_layers(network, first, end, std::span(&block, 1), prepared);
}

template <class T>
void forward(const Network& network, const ParameterSet<T>& parameters, Workspace<T>& workspace,
             const Pass& pass, const PreparedParameters<T>* prepared) {
  forward_layers(0, network.layers(), network, parameters, workspace, pass, prepared);
}

void forward(const Network& network, const ParameterSet<float>& parameters,
             Workspace<float>& workspace, const Pass& pass, const Deployment& deployment,
             const ReadContext& context, const std::function<void(Index k)>& after_mac) {
  ensure(deployment.macs.size() == network.mac_layers().size(),
         "a deployment has one entry a MAC layer");
  const BatchBlock<float> block{&parameters, &workspace, pass};
  Index k = 0;
  for (Index l = 0; l < network.layers(); ++l) {
    if (!network.structure(l).mac) {
      Index end = l;
      while (end < network.layers() && !network.structure(end).mac) ++end;
      run_layers<float>(network, l, end, {&block, 1}, nullptr);
      l = end - 1;
      continue;
    }
    if (const LinearOperator* op = deployment.macs[at(k)].get())
      apply_operator(*op, patch_view(network, workspace, k, pass.samples), context,
                     parameters[at(l)], workspace.output(l));
    else
      run_layer<float>(network, l, {&block, 1}, nullptr);
    if (!deployment.after.empty() && deployment.after[at(k)])
      deployment.after[at(k)]->apply(workspace.output(network.inputs(l).front()).data(),
                                     workspace.output(l).data());
    if (after_mac) after_mac(k);
    ++k;
  }
}

template <class T>
void forward(const Network& network, std::span<const BatchBlock<T>> batch) {
  run_layers<T>(network, 0, network.layers(), batch, nullptr);
}

bool shares_sums(const Network& network, const Pass& pass) {
  if (pass.statistics != Statistics::batch) return false;
  for (Index l = 0; l < network.layers(); ++l)
    if (network.layer<float>(l).shares_sums(pass_of(pass, l))) return true;
  return false;
}

namespace {

/// Whether a layer runs backward, and what becomes of the gradients by its inputs. A layer's first
/// reader (from the end) writes its gradient, later ones go by way of the spare room and are added.
struct BackwardStep {
  bool runs = false;
  std::array<bool, kMostInputs> is_wanted{}, is_added{};
  bool adds() const { return std::find(is_added.begin(), is_added.end(), true) != is_added.end(); }
};

std::vector<BackwardStep> backward_steps(const Network& network, const Pass& pass) {
  const std::vector<bool> wanted = wanted_gradients(network, pass);
  std::vector<BackwardStep> steps(at(network.layers()));
  std::vector<bool> is_written(steps.size(), false);
  is_written.back() = true;
  for (Index l = network.layers() - 1; l >= 0; --l) {
    BackwardStep& step = steps[at(l)];
    step.runs = wanted[at(l)] && is_written[at(l)];
    if (!step.runs) continue;
    const std::vector<Index>& from = network.inputs(l);
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i] == Network::kImage || !wanted[at(from[i])]) continue;
      step.is_wanted[i] = true;
      step.is_added[i] = is_written[at(from[i])];
      is_written[at(from[i])] = true;
    }
    ensure(std::count(step.is_added.begin(), step.is_added.end(), true) <= 1 ||
               network.structure(l).has_equal_gradients,
           "two inputs need the spare room");
  }
  return steps;
}

/// What a layer gets for its backward pass over a block, with what it points to.
template <class T>
class BackwardCall {
 public:
  BackwardCall(const Network& network, Index l, const BatchBlock<T>& block,
               const BackwardStep& step)
      : pass_(pass_of(block.pass, l)), network_(network), layer_(l), block_(block) {
    const std::vector<Index>& from = network.inputs(l);
    for (std::size_t i = 0; i < from.size(); ++i)
      if (step.is_wanted[i])
        dx_[i] =
            step.is_added[i] ? block.workspace->spare() : block.workspace->gradient(from[i]).data();
  }
  BackwardArguments<T> arguments() const {
    Workspace<T>& workspace = *block_.workspace;
    return {pass_,
            workspace.inputs(layer_),
            workspace.output(layer_).data(),
            workspace.gradient(layer_).data(),
            (*block_.parameters)[at(layer_)],
            workspace.state(layer_),
            workspace.work(layer_),
            workspace.scratch(),
            is_frozen(pass_, layer_),
            {dx_.data(), network_.inputs(layer_).size()},
            (*block_.gradient)[at(layer_)]};
  }
  const Pass& pass() const { return pass_; }
  const Layer<T>& layer() const { return network_.layer<T>(layer_); }

 private:
  Pass pass_;
  const Network& network_;
  Index layer_;
  const BatchBlock<T>& block_;
  std::array<T*, kMostInputs> dx_{};
};

/// Layers last .. first of a run, channel by channel.
template <class T>
void run_channels_backward(const Network& network, Index first, Index last,
                           const BatchBlock<T>& block, const std::vector<BackwardStep>& steps) {
  std::vector<BackwardCall<T>> calls;
  for (Index l = last; l >= first; --l) calls.emplace_back(network, l, block, steps[at(l)]);
  const ChannelLayer<T>& head = *network.layer<T>(first).by_channel();
  for_each_part(head.channels(), head.numbers(), [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c)
      for (const BackwardCall<T>& call : calls) {
        const ChannelLayer<T>& layer = *call.layer().by_channel();
        const BackwardArguments<T> a = call.arguments();
        if (layer.shares_sums(call.pass())) layer.observe_backward_channels(a, c, c + 1);
        layer.backward_channels(a, c, c + 1);
      }
  });
}

template <class T>
void run_layer_backward(const Network& network, Index l, std::span<const BatchBlock<T>> batch,
                        const BackwardStep& step) {
  const Layer<T>& layer = network.layer<T>(l);
  const Pass first = pass_of(batch.front().pass, l);
  for (const BatchBlock<T>& block : batch) {
    if (block.output_loss) block.output_loss(l, block.workspace->gradient(l));
    if (layer.shares_sums(first))
      layer.observe_backward(BackwardCall<T>(network, l, block, step).arguments());
  }
  if (waits(layer, first, batch.size())) merge_sums(layer, l, batch, true);
  for (const BatchBlock<T>& block : batch) {
    const BackwardCall<T> call(network, l, block, step);
    layer.backward(call.arguments());
    const std::vector<Index>& from = network.inputs(l);
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (!step.is_added[i]) continue;
      const View<T> sum = block.workspace->gradient(from[i]);
      for_each_part(sum.rows(), kLanes, [&](Index begin, Index end) {
        kernels_of<T>().accumulate((end - begin) * kLanes,
                                   block.workspace->spare() + begin * kLanes, T(1), sum.row(begin));
      });
    }
  }
}

}  // namespace

template <class T>
void backward(const Network& network, std::span<const BatchBlock<T>> batch) {
  for (const BatchBlock<T>& block : batch)
    ensure(block.workspace->is_for_training(), "this workspace has no room for gradients");
  const std::vector<BackwardStep> steps = backward_steps(network, batch.front().pass);
  const auto goes_on = [&](Index l) {
    return steps[at(l)].runs && !steps[at(l)].adds() && !batch.front().output_loss &&
           !waits(network.layer<T>(l), pass_of(batch.front().pass, l), batch.size());
  };
  for (Index l = network.layers() - 1; l >= 0;) {
    Index first = l;
    while (first > network.run_of(l).first && goes_on(first) && goes_on(first - 1)) --first;
    if (first < l)
      for (const BatchBlock<T>& block : batch)
        run_channels_backward(network, first, l, block, steps);
    else if (steps[at(l)].runs)
      run_layer_backward(network, l, batch, steps[at(l)]);
    l = first - 1;
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
template PreparedParameters<float> prepare(const Network&, const ParameterSet<float>&, Index);
template void forward(const Network&, std::span<const BatchBlock<double>>);
template void backward(const Network&, std::span<const BatchBlock<double>>);
template PreparedParameters<double> prepare(const Network&, const ParameterSet<double>&, Index);
template void forward_layers(Index, Index, const Network&, const ParameterSet<float>&,
                             Workspace<float>&, const Pass&, const PreparedParameters<float>*);
template void forward(const Network&, const ParameterSet<float>&, Workspace<float>&, const Pass&,
                      const PreparedParameters<float>*);
template void forward(const Network&, const ParameterSet<double>&, Workspace<double>&, const Pass&,
                      const PreparedParameters<double>*);
template void backward(const Network&, const ParameterSet<float>&, Workspace<float>&, const Pass&,
                       ParameterSet<float>&, const OutputLoss<float>&);
template void backward(const Network&, const ParameterSet<double>&, Workspace<double>&, const Pass&,
                       ParameterSet<double>&, const OutputLoss<double>&);

}  // namespace ohmic::nn
