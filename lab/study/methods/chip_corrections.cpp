#include "lab/study/methods/chip_corrections.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>
#include <algorithm>

#include "base/parallel.h"
#include "nn/adaptive_pool.h"

namespace ohmic::lab {
namespace {

/// Calls body(block, workspace after a pass of the chip over the clean images of that block).
template <class Body>
void for_each_pass(const CleanActivations& clean, const ReadContext& reader, const Chip& chip,
                   Body body) {
  for_each_block(clean.blocks(), [&](Index block) {
    nn::Workspace<float> workspace(chip.network, false);
    const ConstView<float> image = clean.workspace(block).output(nn::Network::kImage);
    std::copy_n(image.data(), image.size(), workspace.input().data());
    ReadContext context = reader;
    context.first_sample = block * kLanes;
    nn::forward(chip.network, chip.parameters, workspace, {.samples = clean.samples(block)},
                chip.deployment, context);
    body(block, workspace);
  });
}

/// Sums of products of one block, added up in block order.
struct Normal {
  Eigen::MatrixXd gram, right;
  double samples = 0;
};

void make_room(Chip& chip) {
  if (chip.deployment.after.empty()) chip.deployment.after.resize(chip.deployment.macs.size());
}

}  // namespace

nn::Overhead correction_overhead(const nn::Deployment& deployment) {
  nn::Overhead sum;
  for (const auto& correction : deployment.after)
    if (correction) {
      sum.weights += correction->weights();
      sum.macs += correction->macs();
    }
  return sum;
}

void add_mean_correction(const HardwarePlan& plan, const sim::ChipOptions& options, Chip& chip) {
  const auto programming = options.programming == sim::Programming::drawn
                               ? sim::Programming::at_mean
                               : options.programming;
  make_room(chip);
  for (std::size_t k = 0; k < plan.layers.size(); ++k) {
    if (!plan.layers[k]) continue;
    const sim::LayerPlan& layer = *plan.layers[k];
    // The slope of mean against target weights over the layer's own weights.
    sim::VerifiedWeights verified{layer.verified_device, {}};
    if (layer.verified_device) verified.marks = layer.verified;
    const sim::Array mean = sim::program_array(layer.hardware.device, layer.rule, layer.mapped, {},
                                               programming, options.seconds, verified);
    double both = 0, square = 0;
    for (std::size_t t = 0; t < layer.tiling.rows.size(); ++t)
      for (Index o = 0; o < layer.mapped.rows(); ++o) {
        const double scale = layer.tiling.scale(static_cast<Index>(t), o);
        for (Index r = layer.tiling.rows[t].begin; r < layer.tiling.rows[t].end; ++r) {
          const bool pair = mean.polarities() == 2;
          const double wanted = scale * layer.mapped(o, r);
          const double found = scale * layer.rule.weight({mean.conductance(0)(o, r),
                                                          pair ? mean.conductance(1)(o, r) : 0.0});
          both += found * wanted;
          square += wanted * wanted;
        }
      }
    const double mu = square > 0 ? both / square : 1.0;
    const Index l = chip.network.mac_layers()[k];
    const nn::LayerStructure& structure = chip.network.structure(l);
    const auto n = static_cast<std::size_t>(structure.output.channels);
    std::vector<float> scale(n, static_cast<float>(1 / mu)), shift(n, 0.0f);
    const Matrix<float>* bias = nn::find(chip.parameters[static_cast<std::size_t>(l)], "bias");
    if (bias && !layer.bias_row)  // a digital bias is exact and stays as it is
      for (std::size_t o = 0; o < n; ++o)
        shift[o] = static_cast<float>((*bias)(0, static_cast<Index>(o)) * (1 - 1 / mu));
    chip.deployment.after[k] = std::make_shared<nn::DigitalCorrection>(
        structure.inputs[0], structure.output, std::move(scale), std::move(shift));
  }
}

void calibrate(CalibrationKind kind, const CalibrationOptions& options,
               const CleanActivations& clean, ReadContext reader, Chip& chip) {
  make_room(chip);
  for (std::size_t k = 0; k < chip.deployment.macs.size(); ++k) {
    if (!chip.deployment.macs[k]) continue;
    const Index l = chip.network.mac_layers()[k];
    const nn::LayerStructure& structure = chip.network.structure(l);
    const nn::Shape y_shape = structure.output, x_shape = structure.inputs[0];
    const Index n = y_shape.channels, positions = y_shape.height * y_shape.width;
    const bool mixes = kind == CalibrationKind::ridge && structure.mac->is_convolution;
    const Index pooled = mixes && options.reads_input ? x_shape.channels : 0;
    // An affine map has its own 2 x 2 system a channel: [y; 1].
    const Index sources = mixes ? pooled + n + 1 : 2;
    const Index systems = mixes ? 1 : n, targets = mixes ? n : 1;
    chip.deployment.after[k] = nullptr;
    std::vector<std::vector<Normal>> blocks(static_cast<std::size_t>(clean.blocks()));
    for_each_pass(clean, reader, chip, [&](Index block, const nn::Workspace<float>& noisy) {
      const ConstView<float> y = noisy.output(l), wanted = clean.workspace(block).output(l);
      AlignedVector<float> xp(static_cast<std::size_t>(pooled * positions * kLanes));
      if (pooled > 0)
        nn::AdaptivePool(x_shape, y_shape)
            .forward(noisy.output(chip.network.inputs(l).front()).data(), xp.data());
      auto& own = blocks[static_cast<std::size_t>(block)];
      Eigen::VectorXd source(sources), target(targets);
      for (Index system = 0; system < systems; ++system) {
        own.push_back(
            {Eigen::MatrixXd::Zero(sources, sources), Eigen::MatrixXd::Zero(sources, targets), 0});
        Normal& sum = own.back();
        for (Index p = 0; p < positions; ++p)
          for (Index s = 0; s < clean.samples(block); ++s) {
            if (mixes) {
              for (Index i = 0; i < pooled; ++i)
                source[i] = xp[static_cast<std::size_t>((i * positions + p) * kLanes + s)];
              for (Index i = 0; i < n; ++i) {
                source[pooled + i] = y(i * positions + p, s);
                target[i] = wanted(i * positions + p, s);
              }
            } else {
              source[0] = y(system * positions + p, s);
              target[0] = wanted(system * positions + p, s);
            }
            source[sources - 1] = 1;
            sum.gram.noalias() += source.lazyProduct(source.transpose());
            sum.right.noalias() += source.lazyProduct(target.transpose());
            sum.samples += 1;
          }
      }
    });
    std::vector<float> scale, shift;
    Matrix<float> mixing(mixes ? n : 0, mixes ? pooled + n : 0);
    for (Index system = 0; system < systems; ++system) {
      Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(sources, sources);
      Eigen::MatrixXd right = Eigen::MatrixXd::Zero(sources, targets);
      for (const auto& block : blocks) {
        gram += block[static_cast<std::size_t>(system)].gram;
        right += block[static_cast<std::size_t>(system)].right;
      }
      // The constant is not shrunk.
      const double ridge = options.strength * gram.topLeftCorner(sources - 1, sources - 1).trace() /
                           static_cast<double>(sources - 1);
      for (Index i = 0; i + 1 < sources; ++i) gram(i, i) += std::max(ridge, 1e-12);
      const Eigen::MatrixXd solution = gram.ldlt().solve(right);  // sources x targets
      if (!mixes) {
        scale.push_back(static_cast<float>(solution(0, 0)));
        shift.push_back(static_cast<float>(solution(1, 0)));
        continue;
      }
      for (Index o = 0; o < n; ++o) {
        for (Index i = 0; i < pooled + n; ++i) mixing(o, i) = static_cast<float>(solution(i, o));
        shift.push_back(static_cast<float>(solution(sources - 1, o)));
      }
    }
    chip.deployment.after[k] = mixes ? std::make_shared<nn::DigitalCorrection>(
                                           x_shape, y_shape, std::move(mixing), std::move(shift))
                                     : std::make_shared<nn::DigitalCorrection>(
                                           x_shape, y_shape, std::move(scale), std::move(shift));
  }
}

void reestimate_batch_norm(const CleanActivations& clean, ReadContext reader, Chip& chip) {
  bool any = false;
  for (Index l = 0; l < chip.network.layers(); ++l) {
    if (!chip.network.structure(l).batch_norm) continue;
    any = true;
    const Index from = chip.network.inputs(l).front();
    const nn::Shape shape = chip.network.shape(l);
    const Index positions = shape.height * shape.width;
    std::vector<std::vector<Moments>> blocks(
        static_cast<std::size_t>(clean.blocks()),
        std::vector<Moments>(static_cast<std::size_t>(shape.channels)));
    for_each_pass(clean, reader, chip, [&](Index block, const nn::Workspace<float>& noisy) {
      const ConstView<float> x = noisy.output(from);
      for (Index f = 0; f < x.rows(); ++f)
        for (Index s = 0; s < clean.samples(block); ++s)
          blocks[static_cast<std::size_t>(block)][static_cast<std::size_t>(f / positions)].add(
              x(f, s));
    });
    auto& own = chip.parameters[static_cast<std::size_t>(l)];
    for (Index c = 0; c < shape.channels; ++c) {
      Moments all;
      for (const auto& block : blocks) all.merge(block[static_cast<std::size_t>(c)]);
      (*nn::find(own, "running_mean"))(0, c) = static_cast<float>(all.mean());
      (*nn::find(own, "running_variance"))(0, c) = static_cast<float>(all.variance());
    }
  }
  if (!any)
    throw ConfigError(
        "bn_reestimation: the network has no digital batch-norm layer (network.fold_batch_norm = "
        "false keeps them)");
}

}  // namespace ohmic::lab
