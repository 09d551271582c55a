#pragma once

#include "base/parallel.h"
#include "nn/layer.h"

namespace ohmic::nn {

/// A layer whose channels have nothing to do with each other. A run of such layers is computed
/// channel by channel through all of them, so that a channel is read and written where it is still
/// in a cache.
template <class T>
class ChannelLayer : public Layer<T> {
 public:
  using Layer<T>::Layer;
  /// What Layer says, for channels first .. last - 1 of the input.
  virtual void observe_channels(const ForwardArguments<T>& a, Index first, Index last) const {
    static_cast<void>(a), static_cast<void>(first), static_cast<void>(last);
  }
  virtual void observe_backward_channels(const BackwardArguments<T>& a, Index first,
                                         Index last) const {
    static_cast<void>(a), static_cast<void>(first), static_cast<void>(last);
  }
  virtual void forward_channels(const ForwardArguments<T>& a, Index first, Index last) const = 0;
  virtual void backward_channels(const BackwardArguments<T>& a, Index first, Index last) const = 0;

  const ChannelLayer<T>* by_channel() const final { return this; }
  void observe(const ForwardArguments<T>& a) const final {
    for_each_part(channels(), numbers(),
                  [&](Index first, Index last) { observe_channels(a, first, last); });
  }
  void observe_backward(const BackwardArguments<T>& a) const final {
    for_each_part(channels(), numbers(),
                  [&](Index first, Index last) { observe_backward_channels(a, first, last); });
  }
  void forward(const ForwardArguments<T>& a) const final {
    for_each_part(channels(), numbers(),
                  [&](Index first, Index last) { forward_channels(a, first, last); });
  }
  void backward(const BackwardArguments<T>& a) const final {
    for_each_part(channels(), numbers(),
                  [&](Index first, Index last) { backward_channels(a, first, last); });
  }

  Index channels() const { return this->structure().inputs[0].channels; }
  /// Numbers of a channel, of the input and of the output.
  Index numbers() const { return this->structure().inputs[0].features() / channels() * kLanes; }
  Index output_numbers() const { return this->structure().output.features() / channels() * kLanes; }
};

}  // namespace ohmic::nn
