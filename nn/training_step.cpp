#include "nn/training_step.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "base/parallel.h"

namespace ohmic::nn {
namespace {

/// A clean pass over the images that lie in `image`.
const Workspace<float>& clean_pass(const CleanNetwork& clean,
                                   std::unique_ptr<Workspace<float>>& workspace,
                                   ConstView<float> image, Index samples) {
  if (!workspace) workspace = std::make_unique<Workspace<float>>(*clean.network, false);
  std::copy_n(image.data(), image.size(), workspace->input().data());
  forward(*clean.network, *clean.parameters, *workspace, {.samples = samples});
  return *workspace;
}

/// Blends the gradient of cross-entropy with that of weight T^2 KL(teacher || student) at
/// temperature T, whose gradient by the logits is weight T (p_student - p_teacher).
void distil(const Distillation& rule, ConstView<float> teacher, ConstView<float> student,
            Index samples, double scale, View<float> gradient) {
  const auto classes = static_cast<std::size_t>(student.rows());
  std::vector<double> p(classes), q(classes);
  const auto softmax = [&](ConstView<float> logits, Index lane, std::vector<double>& out) {
    double most = logits(0, lane), sum = 0;
    for (std::size_t c = 1; c < classes; ++c)
      most = std::max<double>(most, logits(static_cast<Index>(c), lane));
    for (std::size_t c = 0; c < classes; ++c)
      sum += out[c] =
          elementary::exp((logits(static_cast<Index>(c), lane) - most) / rule.temperature);
    for (double& value : out) value /= sum;
  };
  for (Index lane = 0; lane < samples; ++lane) {
    softmax(student, lane, p);
    softmax(teacher, lane, q);
    for (std::size_t c = 0; c < classes; ++c) {
      float& g = gradient(static_cast<Index>(c), lane);
      g = static_cast<float>((1 - rule.weight) * g +
                             rule.weight * rule.temperature * scale * (p[c] - q[c]));
    }
  }
}

}  // namespace

/// What one thread needs for a micro-batch.
struct TrainingStep::Worker {
  explicit Worker(const Network& network) : workspace(network, true) {}
  Workspace<float> workspace;
  ParameterSet<float> effective, derivative;  ///< made where something changes the parameters
  std::unique_ptr<Workspace<float>> teacher, clean;
};

TrainingStep::TrainingStep(const Network& network, const Data& data, Index batch,
                           const RandomStream& stream, const StepRules& rules,
                           const AugmentationParams& augmentation)
    : network_(network),
      data_(data),
      stream_(stream),
      rules_(rules),
      augmentation_(augmentation),
      steps_per_epoch_(block_count(data.train.size(), batch)),
      micro_batches_(static_cast<std::size_t>(block_count(batch, kLanes))),
      pool_([this] { return std::make_unique<Worker>(network_); }) {
  for (MicroBatch& s : micro_batches_) s.gradient = zero_parameters<float>(network);
}

TrainingStep::~TrainingStep() = default;

TrainingStep::Sums TrainingStep::compute(const ParameterSet<float>& parameters,
                                         std::span<const Index> images, std::uint64_t step) {
  for_each_block(blocks(images.size()), [&](Index block) {
    const auto first = static_cast<std::size_t>(block * kLanes);
    compute_block(parameters, block,
                  images.subspan(first, std::min<std::size_t>(kLanes, images.size() - first)),
                  images.size(), step);
  });
  Sums sums;
  sums.images = static_cast<Index>(images.size());
  for (Index block = 0; block < blocks(images.size()); ++block) {
    const MicroBatch& s = micro_batches_[static_cast<std::size_t>(block)];
    for (Index i = 0; i < s.images; ++i) {
      sums.loss += s.scores[static_cast<std::size_t>(i)].loss;
      sums.correct += s.scores[static_cast<std::size_t>(i)].rank == 0;
    }
  }
  return sums;
}

const ParameterSet<float>& TrainingStep::effective(const ParameterSet<float>& parameters,
                                                   Worker& worker, TrainingDraw draw) const {
  if (!rules_.perturbation && !rules_.mask) return parameters;
  worker.effective = parameters;
  if (worker.derivative.empty()) worker.derivative = zero_parameters<float>(network_);
  for_each_parameter([](Matrix<float>& m) { m.fill(1.0f); }, worker.derivative);
  if (rules_.mask) rules_.mask(draw, worker.effective, worker.derivative);
  if (rules_.perturbation)
    for (const Index layer : network_.mac_layers()) {
      const auto l = static_cast<std::size_t>(layer);
      rules_.perturbation->draw(stream_, rules_.noise_purpose, draw, parameters[l][0].value,
                                worker.effective[l][0].value, worker.derivative[l][0].value);
      ++draw.layer;
    }
  return worker.effective;
}

void TrainingStep::compute_block(const ParameterSet<float>& parameters, Index block,
                                 std::span<const Index> images, std::size_t batch,
                                 std::uint64_t step) {
  MicroBatch& s = micro_batches_[static_cast<std::size_t>(block)];
  const auto worker = pool_.borrow();
  Workspace<float>& workspace = worker->workspace;
  s.images = static_cast<Index>(images.size());
  set_zero(s.gradient);
  std::array<Label, kLanes> lane_labels;
  const std::span<Label> labels(lane_labels.data(), images.size());
  fill_augmented_lanes(data_.train, data_.normalisation, augmentation_, stream_,
                       step / static_cast<std::uint64_t>(steps_per_epoch_), images,
                       workspace.input(), labels);

  const Pass pass{.mode = Mode::training,
                  .samples = s.images,
                  .stream = &stream_,
                  .step = step,
                  .is_frozen = rules_.is_frozen.empty() ? nullptr : &rules_.is_frozen,
                  .first_in_batch = block * kLanes};
  // One draw for both passes.
  const ParameterSet<float>& numbers = effective(
      parameters, *worker, {.step = step, .micro_batch = static_cast<std::uint64_t>(block)});
  const Index last = network_.layers() - 1;
  forward(network_, numbers, workspace, pass);
  const double scale = 1 / static_cast<double>(batch);
  softmax_cross_entropy<float>(workspace.output(last), labels, s.scores, scale,
                               workspace.gradient(last));
  if (const Distillation* rule = rules_.distillation) {
    const auto& teacher = clean_pass(rule->teacher, worker->teacher, workspace.input(), s.images);
    distil(*rule, teacher.output(rule->teacher.network->layers() - 1), workspace.output(last),
           s.images, scale, workspace.gradient(last));
  }
  OutputLoss<float> output_loss;
  if (const FeatureMatching* rule = rules_.matching) {
    const auto& clean = clean_pass(rule->clean, worker->clean, workspace.input(), s.images);
    output_loss = [&, rule](Index layer, View<float> gradient) {
      for (const auto& [own, other] : rule->layers) {
        if (own != layer) continue;
        const ConstView<float> z = workspace.output(own), y = clean.output(other);
        const auto factor =
            static_cast<float>(2 * rule->weight * scale / static_cast<double>(z.rows()));
        for (Index f = 0; f < z.rows(); ++f)
          for (Index lane = 0; lane < s.images; ++lane)
            gradient(f, lane) += factor * (z(f, lane) - y(f, lane));
      }
    };
  }
  backward(network_, numbers, workspace, pass, s.gradient, output_loss);
  if (&numbers != &parameters)
    for (std::size_t l = 0; l < s.gradient.size(); ++l)
      for (std::size_t p = 0; p < s.gradient[l].size(); ++p) {
        if (!network_.structure(static_cast<Index>(l)).parameters[p].is_trained) continue;
        Matrix<float>& g = s.gradient[l][p].value;
        const Matrix<float>& slope = worker->derivative[l][p].value;
        for (Index i = 0; i < g.size(); ++i) g.data()[i] *= slope.data()[i];
      }
}

}  // namespace ohmic::nn
