#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>

#include "base/weight_perturbation.h"
#include "nn/augmentation.h"
#include "nn/forward.h"
#include "nn/loss.h"
#include "nn/pool.h"

namespace ohmic::nn {

/// Another network on the same images, without variation: a teacher, or the clean base network.
struct CleanNetwork {
  const Network* network = nullptr;
  const ParameterSet<float>* parameters = nullptr;
};

/// Knowledge distillation (Hinton, Vinyals, Dean 2015): the loss is (1 - weight) CE + weight T^2 KL
/// of the softened outputs.
struct Distillation {
  CleanNetwork teacher;
  double temperature = 4.0, weight = 0.5;
};

/// Clean-feature matching: adds weight / (features) |z - y|^2 per sample, between outputs of this
/// network and of the clean one.
struct FeatureMatching {
  CleanNetwork clean;
  std::vector<std::pair<Index, Index>> layers;  ///< (layer of this network, layer of the clean one)
  double weight = 0;
};

/// Changes what a micro-batch computes with: `effective` starts as the clean parameters and
/// `derivative` as ones; what is masked is multiplied by 0.
using ParameterMask = std::function<void(const TrainingDraw&, ParameterSet<float>& effective,
                                         ParameterSet<float>& derivative)>;

/// How the gradient of a step is computed. Everything is borrowed.
struct StepRules {
  const WeightPerturbation* perturbation =
      nullptr;  ///< of MAC layers, a fresh draw per micro-batch
  Purpose noise_purpose = Purpose::training_noise;
  std::vector<bool> is_frozen = {};  ///< one per layer; empty: all are trained
  ParameterMask mask = {};
  const Distillation* distillation = nullptr;
  const FeatureMatching* matching = nullptr;
  double label_smoothing = 0;
};

/// Forward and backward passes of the micro-batches of a training step.
class TrainingStep {
 public:
  TrainingStep(const Network& network, const Data& data, Index batch, const RandomStream& stream,
               const StepRules& rules, const AugmentationParams& augmentation = {});
  ~TrainingStep();

  struct Sums {
    double loss = 0;
    Index correct = 0, images = 0;
  };
  /// The gradient of the mean loss over `images` (places in the training list) at `parameters`, by
  /// micro-batches, the first in gradient(). Batch-norm uses the given statistics.
  Sums compute(const ParameterSet<float>& parameters, std::span<const Index> images,
               std::uint64_t step, Statistics statistics = Statistics::group);
  ParameterSet<float>& gradient() { return micro_batches_[0].gradient; }
  /// What batch-norm observed in micro-batch `block` of the last compute(): in place of the
  /// gradients of its running statistics.
  const ParameterSet<float>& observed(Index block) const {
    return micro_batches_[static_cast<std::size_t>(block)].gradient;
  }
  Index blocks(std::size_t images) const {
    return (static_cast<Index>(images) + kLanes - 1) / kLanes;
  }

 private:
  struct Worker;
  struct MicroBatch {
    ParameterSet<float> gradient;
    std::array<Score, kLanes> scores;
    Index images = 0;
  };
  struct Step {
    const ParameterSet<float>* parameters;
    std::span<const Index> images;
    std::uint64_t number;
    Statistics statistics;
  };
  Pass pass_of(const Step& step, Index block) const;
  BatchBlock<float> begin(const Step& step, Index block, Worker& worker);
  void add_loss(const Step& step, Index block, Worker& worker, OutputLoss<float>& output_loss);
  void finish(const Step& step, Index block, const BatchBlock<float>& computed,
              const Worker& worker);
  void compute_block(const Step& step, Index block);
  void compute_side_by_side(const Step& step);
  const ParameterSet<float>& effective(const ParameterSet<float>& parameters, Worker& worker,
                                       TrainingDraw draw) const;

  const Network& network_;
  const Data& data_;
  const RandomStream& stream_;
  const StepRules& rules_;
  AugmentationParams augmentation_;
  Index steps_per_epoch_;
  bool is_large_;
  std::vector<MicroBatch> micro_batches_;
  Pool<Worker> pool_;
};

}  // namespace ohmic::nn
