#include "lab/methods/channel_regression.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>

#include "lab/methods/chip_pass.h"
#include "nn/adaptive_pool.h"

namespace ohmic::lab {
namespace {

/// Options of either kind, told apart for their tables.
template <Regression kind>
struct OptionsOf : RegressionOptions {};

template <Regression kind>
void fields(FieldVisitor& f, OptionsOf<kind>& p) {
  calibration_images_field(f, p.images);
  f.field({.key = "strength",
           .meaning = "ridge, times trace over rows of the Gram matrix",
           .low = 0,
           .low_open = true},
          p.strength);
  f.field({.key = "reads_input",
           .meaning = "ridge: mix in the layer's input",
           .idle = kind == Regression::affine ? "affine corrections mix nothing in" : ""},
          p.reads_input);
}

template <Regression kind>
Method make(const OptionsOf<kind>& o, const std::string&) {
  Method method{.corrects = true,
                .excludes = kind == Regression::affine ? "ridge" : "affine",
                .calibration_images = o.images};
  method.correct = [o](const CorrectionAid& aid, Chip& chip) {
    calibrate(kind, o, *aid.clean, aid.reader, chip);
  };
  method.cost = [o](const HardwarePlan&, const Chip&, MethodCost& cost) {
    cost.calibration_images = std::max(cost.calibration_images, o.images);
  };
  return method;
}

/// Sums of products of one block, added up in block order.
struct Normal {
  Eigen::MatrixXd gram, right;
  double samples = 0;
};

}  // namespace

MethodKind affine_kind() {
  return method_kind("affine", "a scale and a shift per channel, found on every chip",
                     make<Regression::affine>);
}

MethodKind ridge_kind() {
  return method_kind("ridge", "a mixing of channels behind convolutions, found on every chip",
                     make<Regression::ridge>);
}

void calibrate(Regression kind, const RegressionOptions& options, const CleanActivations& clean,
               const ReadContext& reader, Chip& chip) {
  chip.deployment.after.resize(chip.deployment.macs.size());
  for (std::size_t k = 0; k < chip.deployment.macs.size(); ++k) {
    if (!chip.deployment.macs[k]) continue;
    const Index l = chip.network.mac_layers()[k];
    const nn::LayerStructure& structure = chip.network.structure(l);
    const nn::Shape y_shape = structure.output, x_shape = structure.inputs[0];
    const Index n = y_shape.channels, positions = y_shape.height * y_shape.width;
    const bool mixes = kind == Regression::ridge && structure.mac->is_convolution;
    const Index pooled = mixes && options.reads_input ? x_shape.channels : 0;
    // An affine map has its own 2 x 2 system per channel: [y; 1].
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

}  // namespace ohmic::lab
