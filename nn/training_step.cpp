#include "nn/training_step.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "base/parallel.h"

namespace ohmic::nn {
namespace {

/// Above this, lane blocks are computed one after the other, each by all threads, so that one
/// workspace serves them all.
constexpr Index kSharedWorkspaceBytes = Index{64} << 20;

/// A clean pass over the images that lie in `image`.
const Workspace<float>& clean_pass(const CleanNetwork& clean,
                                   std::unique_ptr<Workspace<float>>& workspace,
                                   ConstView<float> image, Index samples) {
  if (!workspace) workspace = std::make_unique<Workspace<float>>(*clean.network, Kept::outputs);
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

/// What a micro-batch is computed in.
struct TrainingStep::Worker {
  explicit Worker(const Network& network) : workspace(network, Kept::gradients) {}
  Workspace<float> workspace;
  std::array<Label, kLanes> labels{};
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
      is_large_(Workspace<float>::bytes(network, Kept::gradients) > kSharedWorkspaceBytes),
      micro_batches_(static_cast<std::size_t>(block_count(batch, kLanes))),
      pool_([this] { return std::make_unique<Worker>(network_); }) {
  for (MicroBatch& s : micro_batches_) s.gradient = zero_parameters<float>(network);
}

TrainingStep::~TrainingStep() = default;

TrainingStep::Sums TrainingStep::compute(const ParameterSet<float>& parameters,
                                         std::span<const Index> images, std::uint64_t step,
                                         Statistics statistics) {
  const Index count = blocks(images.size());
  const Step all{&parameters, images, step, statistics};
  if (count > 1 && shares_sums(network_, pass_of(all, 0))) {
    compute_side_by_side(all);
  } else if (is_large_ || count < threads()) {
    for (Index block = 0; block < count; ++block) compute_block(all, block);
  } else {
    for_each_block(count, [&](Index block) { compute_block(all, block); });
  }
  Sums sums;
  sums.images = static_cast<Index>(images.size());
  for (Index block = 0; block < count; ++block) {
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

Pass TrainingStep::pass_of(const Step& step, Index block) const {
  return {.mode = Mode::training,
          .statistics = step.statistics,
          .samples = std::min(kLanes, static_cast<Index>(step.images.size()) - block * kLanes),
          .stream = &stream_,
          .step = step.number,
          .is_frozen = rules_.is_frozen.empty() ? nullptr : &rules_.is_frozen,
          .first_in_batch = block * kLanes};
}

/// Fills the worker with the images of a block and the weights that it computes with.
BatchBlock<float> TrainingStep::begin(const Step& step, Index block, Worker& worker) {
  MicroBatch& s = micro_batches_[static_cast<std::size_t>(block)];
  const Pass pass = pass_of(step, block);
  s.images = pass.samples;
  set_zero(s.gradient);
  const auto samples = static_cast<std::size_t>(pass.samples);
  fill_augmented_lanes(data_.train, data_.normalisation, augmentation_, stream_,
                       step.number / static_cast<std::uint64_t>(steps_per_epoch_),
                       step.images.subspan(static_cast<std::size_t>(block * kLanes), samples),
                       worker.workspace.input(), {worker.labels.data(), samples});
  return {&effective(*step.parameters, worker,
                     {.step = step.number, .micro_batch = static_cast<std::uint64_t>(block)}),
          &worker.workspace, pass, &s.gradient};
}

/// The loss of a block and its gradient by the network's output.
void TrainingStep::add_loss(const Step& step, Index block, Worker& worker,
                            OutputLoss<float>& output_loss) {
  MicroBatch& s = micro_batches_[static_cast<std::size_t>(block)];
  Workspace<float>& workspace = worker.workspace;
  const Index last = network_.layers() - 1;
  const double scale = 1 / static_cast<double>(step.images.size());
  softmax_cross_entropy<float>(workspace.output(last),
                               {worker.labels.data(), static_cast<std::size_t>(s.images)}, s.scores,
                               scale, workspace.gradient(last), rules_.label_smoothing);
  if (const Distillation* rule = rules_.distillation) {
    const auto& teacher = clean_pass(rule->teacher, worker.teacher, workspace.input(), s.images);
    distil(*rule, teacher.output(rule->teacher.network->layers() - 1), workspace.output(last),
           s.images, scale, workspace.gradient(last));
  }
  if (const FeatureMatching* rule = rules_.matching) {
    const auto& clean = clean_pass(rule->clean, worker.clean, workspace.input(), s.images);
    output_loss = [=, images = s.images, &workspace, &clean](Index layer, View<float> gradient) {
      for (const auto& [own, other] : rule->layers) {
        if (own != layer) continue;
        const ConstView<float> z = workspace.output(own), y = clean.output(other);
        const auto factor =
            static_cast<float>(2 * rule->weight * scale / static_cast<double>(z.rows()));
        for (Index f = 0; f < z.rows(); ++f)
          for (Index lane = 0; lane < images; ++lane)
            gradient(f, lane) += factor * (z(f, lane) - y(f, lane));
      }
    };
  }
}

/// From gradients by the weights that were computed with to those by the trained ones.
void TrainingStep::finish(const Step& step, Index block, const BatchBlock<float>& computed,
                          const Worker& worker) {
  if (computed.parameters == step.parameters) return;
  ParameterSet<float>& gradient = micro_batches_[static_cast<std::size_t>(block)].gradient;
  for (std::size_t l = 0; l < gradient.size(); ++l)
    for (std::size_t p = 0; p < gradient[l].size(); ++p) {
      if (!network_.structure(static_cast<Index>(l)).parameters[p].is_trained) continue;
      Matrix<float>& g = gradient[l][p].value;
      const Matrix<float>& slope = worker.derivative[l][p].value;
      for_each_part(g.size(), 1, [&](Index first, Index end) {
        for (Index i = first; i < end; ++i) g.data()[i] *= slope.data()[i];
      });
    }
}

void TrainingStep::compute_block(const Step& step, Index block) {
  const auto worker = pool_.borrow();
  BatchBlock<float> own = begin(step, block, *worker);
  forward(network_, *own.parameters, *own.workspace, own.pass);
  add_loss(step, block, *worker, own.output_loss);
  backward<float>(network_, {&own, 1});
  finish(step, block, own, *worker);
}

void TrainingStep::compute_side_by_side(const Step& step) {
  std::vector<decltype(pool_.borrow())> workers;
  std::vector<BatchBlock<float>> batch;
  for (Index block = 0; block < blocks(step.images.size()); ++block) {
    workers.push_back(pool_.borrow());
    batch.push_back(begin(step, block, *workers.back()));
  }
  forward<float>(network_, batch);
  for (std::size_t i = 0; i < batch.size(); ++i)
    add_loss(step, static_cast<Index>(i), *workers[i], batch[i].output_loss);
  backward<float>(network_, batch);
  for (std::size_t i = 0; i < batch.size(); ++i)
    finish(step, static_cast<Index>(i), batch[i], *workers[i]);
}

}  // namespace ohmic::nn
