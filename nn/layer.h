#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/kernels.h"
#include "base/linear_operator.h"
#include "base/random_stream.h"
#include "nn/layer_spec.h"
#include "nn/parameters.h"
#include "nn/shape.h"

/// What a layer is: an immutable structure that computes on one lane block. An activation of F
/// features is F x kLanes, one sample per lane.
namespace ohmic::nn {

/// Inputs that a layer may have.
inline constexpr std::size_t kMostInputs = 16;

enum class Mode { inference, training };

/// Whose statistics batch-norm uses in training mode: those of the lane block (a group of images
/// that shares a draw of weights), of the whole batch, or the running ones.
enum class Statistics { group, batch, running };

/// What the layers of one forward and backward pass over a lane block share.
struct Pass {
  Mode mode = Mode::inference;
  Statistics statistics = Statistics::group;
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
  bool starts_as_identity = false;    ///< [I | 0]
  bool is_trained = true;             ///< false for running statistics
  double momentum = 0;                ///< of running statistics: weight of a micro-batch
  std::vector<Index> stored_as = {};  ///< shape in files, as PyTorch has it; empty: rows x columns,
                                      ///< or columns alone for one row that is no "weight"
  /// The shape that PyTorch gives it.
  std::vector<Index> array_shape() const {
    if (!stored_as.empty()) return stored_as;
    if (rows == 1 && name != "weight") return {columns};
    return {rows, columns};
  }
};

/// A layer that multiplies by a matrix: the product that hardware can take over.
struct Mac {
  Index outputs = 0;
  PatchView patch;              ///< geometry and lane-block strides of its input; no data
  bool is_convolution = false;  ///< its outputs are maps
  /// Multiply-accumulates per image.
  Index count() const { return outputs * patch.inputs() * patch.positions(); }
};

/// A digital batch normalisation: parameters weight, bias, running_mean, running_variance.
struct BatchNormRole {
  double epsilon = 0;  ///< added to the variance
};

/// A compensator behind a layer with erroneous outputs: parameters generator_weight,
/// generator_bias, weight, bias.
struct CompensatorRole {
  bool is_residual = false;
  Index macs = 0;  ///< multiply-accumulates per image
};

/// Shapes and numbers of a layer, and what it is to others (none: they need not know it).
struct LayerStructure {
  std::vector<Shape> inputs = {};
  Shape output = {};
  std::vector<ParameterSpec> parameters = {};
  std::optional<Mac> mac = {};
  std::optional<BatchNormRole> batch_norm = {};
  std::optional<CompensatorRole> compensator = {};
  bool has_equal_gradients = false;  ///< of several inputs: dx is the same for all
  /// Whether it may write its output over any one of its inputs in inference, and always the
  /// gradient by an input over that by its output.
  bool works_in_place = false;
  bool reads_input_backward = true;   ///< else its input may be written over in training too,
  bool reads_output_backward = true;  ///< where the layer before does not read it either
  Index state = 0;                    ///< numbers kept from forward to backward
  Index work = 0;                     ///< numbers that backward needs besides
  Index prepared = 0;                 ///< numbers that prepare() makes of parameters
  Index scratch =
      0;  ///< numbers needed within one call, whatever they held; forward needs `prepared`
};

/// `state` and `work` are zero at first and belong to this layer alone, so that padding stays zero.
template <class T>
struct ForwardArguments {
  const Pass& pass;
  Index layer;                  ///< index in the network, of dropout's address
  std::span<const T* const> x;  ///< one activation per input
  const LayerParameters<T>& parameters;
  const T* prepared;  ///< of these parameters; null: the layer prepares them in `scratch`
  T* state;
  T* scratch;
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
  T* scratch;
  bool is_frozen;          ///< the gradients by the parameters are not needed
  std::span<T* const> dx;  ///< overwritten; null where not needed
  /// Added to; in place of running statistics' gradients stand the statistics of this block.
  LayerParameters<T>& gradient;
};

template <class T>
class ChannelLayer;

template <class T>
class Layer {
 public:
  explicit Layer(LayerStructure structure) : structure_(std::move(structure)) {}
  virtual ~Layer() = default;
  const LayerStructure& structure() const { return structure_; }
  /// This layer, where its channels have nothing to do with each other; else null.
  virtual const ChannelLayer<T>* by_channel() const { return nullptr; }
  /// What forward() needs of the parameters, once for many calls: structure().prepared numbers.
  virtual void prepare(const LayerParameters<T>& parameters, T* prepared) const {
    static_cast<void>(parameters);
    static_cast<void>(prepared);
  }
  /// Whether the passes first need sums over images: observe() makes those of one lane block in
  /// its state, and merge_sums() turns the states of several blocks that share statistics, in
  /// order, into the sums of all. Likewise backward, where observe_backward() also adds the
  /// gradients by the parameters.
  virtual bool shares_sums(const Pass& pass) const {
    static_cast<void>(pass);
    return false;
  }
  virtual void observe(const ForwardArguments<T>& a) const { static_cast<void>(a); }
  virtual void observe_backward(const BackwardArguments<T>& a) const { static_cast<void>(a); }
  virtual void merge_sums(std::span<T* const> states, bool is_backward) const {
    static_cast<void>(states);
    static_cast<void>(is_backward);
  }
  virtual void forward(const ForwardArguments<T>& a) const = 0;
  /// Gradients by inputs and parameters, from `dy`, after a forward pass. Lanes beyond pass.samples
  /// have dy = 0 and get dx = 0.
  virtual void backward(const BackwardArguments<T>& a) const = 0;

 private:
  LayerStructure structure_;
};

/// The kernels of a precision.
template <class T>
const KernelsOf<T>& kernels_of() {
  if constexpr (std::is_same_v<T, float>)
    return kernels().f32;
  else
    return kernels().f64;
}

}  // namespace ohmic::nn
