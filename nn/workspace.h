#pragma once

#include <span>
#include <vector>

#include "nn/network.h"

namespace ohmic::nn {

/// How long a workspace keeps the layers' outputs.
enum class Kept {
  live,      ///< until the last layer that reads them has run
  outputs,   ///< all of them, until the next pass
  gradients  ///< all of them, with room for backward()
};

/// The activations of one lane block: features x kLanes per layer. Made once per thread and reused;
/// lanes beyond the valid ones hold finite numbers. What is not needed at the same time shares its
/// memory.
template <class T>
class Workspace {
 public:
  Workspace(const Network& network, Kept kept);
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  View<T> input() { return output(Network::kImage); }
  /// Output of a layer, or the image for Network::kImage.
  View<T> output(Index layer) { return {slot(layer).output, slot(layer).features, kLanes}; }
  ConstView<T> output(Index layer) const {
    return {slot(layer).output, slot(layer).features, kLanes};
  }
  /// Gradient of the loss by a layer's output, from when its last reader has run backward until it
  /// has itself.
  View<T> gradient(Index layer) { return {slot(layer).gradient, slot(layer).features, kLanes}; }

  /// For the passes: numbers of their own for layers, numbers that hold nothing from call to call,
  /// and room for one more gradient (null where no output has two readers).
  T* state(Index layer) { return slot(layer).state; }
  T* work(Index layer) { return slot(layer).work; }
  T* scratch() { return scratch_; }
  std::span<const T* const> inputs(Index layer) const { return slot(layer).inputs; }
  T* spare() { return spare_; }
  bool is_for_training() const { return kept_ == Kept::gradients; }

  /// Bytes that a workspace of `network` takes.
  static Index bytes(const Network& network, Kept kept);

 private:
  struct Slot {
    Index features = 0;
    T *output = nullptr, *gradient = nullptr, *state = nullptr, *work = nullptr;
    std::vector<const T*> inputs;
  };
  const Slot& slot(Index layer) const { return slots_[static_cast<std::size_t>(layer + 1)]; }
  Kept kept_;
  AlignedVector<T> arena_;
  std::vector<Slot> slots_;  ///< of the image, then of each layer
  T *spare_ = nullptr, *scratch_ = nullptr;
};

}  // namespace ohmic::nn
