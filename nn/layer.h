#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/kernels.h"
#include "base/linear_operator.h"
#include "base/random_stream.h"
#include "nn/network_spec.h"
#include "nn/parameters.h"
#include "nn/shape.h"

/// What a layer is: an immutable structure that computes on one lane block. An activation of F
/// features is F x kLanes, one sample a lane.
namespace ohmic::nn {

/// Inputs that a layer (add) may have.
inline constexpr std::size_t kMostInputs = 16;

enum class Mode { inference, training };

/// What the layers of one forward and backward pass over a lane block share.
struct Pass {
  Mode mode = Mode::inference;
  Index samples = kLanes;  ///< valid lanes: the first ones
  /// Draws of dropout: needed in training mode only, borrowed.
  const RandomStream* stream = nullptr;
  std::uint64_t step = 0;                        ///< training step, of dropout's address
  const std::vector<bool>* is_frozen = nullptr;  ///< layers that are not trained; null: none
  Index first_in_batch = 0;  ///< sample coordinate of lane 0 in dropout's address
};

struct ParameterSpec {
  std::string name;
  Index rows = 0, columns = 0;
  Index fan_in = 0;  ///< first values uniform in +-1/sqrt(fan_in); 0: all `initial`
  double initial = 0;
  bool starts_as_identity = false;  ///< [I | 0]
  bool is_trained = true;           ///< false for running statistics
};

/// A layer that multiplies by a matrix: the product that hardware can take over.
struct Mac {
  Index outputs = 0;
  PatchView patch;  ///< geometry and lane-block strides of its input; no data
  /// Products an image.
  Index count() const { return outputs * patch.inputs() * patch.positions(); }
};

struct LayerStructure {
  std::vector<Shape> inputs = {};
  Shape output = {};
  std::vector<ParameterSpec> parameters = {};
  std::optional<Mac> mac = {};
  Index state = 0;  ///< numbers kept from forward to backward
  Index work = 0;   ///< numbers that backward needs besides
};

/// `state` and `work` are zero at first and belong to this layer alone, so that padding stays zero.
template <class T>
struct ForwardArguments {
  const Pass& pass;
  Index layer;                  ///< index in the network, of dropout's address
  std::span<const T* const> x;  ///< one activation an input
  const LayerParameters<T>& parameters;
  T* state;
  T* y;
};
template <class T>
struct BackwardArguments {
  const Pass& pass;
  std::span<const T* const> x;
  const T* y;
  const T* dy;
  const LayerParameters<T>& parameters;
  T* state;
  T* work;
  bool is_frozen;          ///< nobody asks for the gradients by the parameters
  std::span<T* const> dx;  ///< overwritten; null where nobody asks
  /// Added to; in place of running statistics' gradients stand the statistics of this block.
  LayerParameters<T>& gradient;
};

template <class T>
class Layer {
 public:
  explicit Layer(LayerStructure structure) : structure_(std::move(structure)) {}
  virtual ~Layer() = default;
  const LayerStructure& structure() const { return structure_; }
  virtual void forward(const ForwardArguments<T>& a) const = 0;
  /// Gradients by inputs and parameters, from `dy`, after a forward pass. Lanes beyond pass.samples
  /// have dy = 0 and get dx = 0.
  virtual void backward(const BackwardArguments<T>& a) const = 0;

 private:
  LayerStructure structure_;
};

/// Builds a layer. Throws through fail(spec, ...) where the inputs' shapes do not fit.
template <class T>
std::unique_ptr<Layer<T>> make_layer(const LayerSpec& spec, const std::vector<Shape>& inputs);

/// One function a kind (linear and conv are one); make_layer chooses.
template <class T>
std::unique_ptr<Layer<T>> make_mac_layer(const LayerSpec& spec, const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_max_pool(const LayerSpec& spec, const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_average_pool(const LayerSpec& spec, const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_relu(const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_flatten(const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_dropout(const LayerSpec& spec, const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_batch_norm(const LayerSpec& spec, const Shape& input);
template <class T>
std::unique_ptr<Layer<T>> make_compensator(const LayerSpec& spec, const std::vector<Shape>& inputs);
template <class T>
std::unique_ptr<Layer<T>> make_add(const LayerSpec& spec, const std::vector<Shape>& inputs);

/// The kernels of a precision.
template <class T>
const KernelsOf<T>& kernels_of() {
  if constexpr (std::is_same_v<T, float>)
    return kernels().f32;
  else
    return kernels().f64;
}

}  // namespace ohmic::nn
