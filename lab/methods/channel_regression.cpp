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

/// The least-squares problem of one layer. An affine map has a 2 x 2 system per channel, [y; 1]; a
/// mixing one has a system for all channels, [pooled input; y; 1].
struct LayerProblem {
  Index layer;
  nn::Shape input, output;
  bool mixes;
  Index pooled;  ///< channels of the pooled input
  Index channels() const { return output.channels; }
  Index positions() const { return output.height * output.width; }
  Index sources() const { return mixes ? pooled + channels() + 1 : 2; }
  Index systems() const { return mixes ? 1 : channels(); }
  Index targets() const { return mixes ? channels() : 1; }
};

/// Sums of products: of one block, then of all in block order.
struct Normal {
  Eigen::MatrixXd gram, right;
  explicit Normal(const LayerProblem& p)
      : gram(Eigen::MatrixXd::Zero(p.sources(), p.sources())),
        right(Eigen::MatrixXd::Zero(p.sources(), p.targets())) {}
};

/// The sums of one block of images, system by system: what the chip gives, and what is wanted.
std::vector<Normal> sums_of_block(const LayerProblem& p, const Chip& chip,
                                  const nn::Workspace<float>& noisy, ConstView<float> wanted,
                                  Index samples) {
  const Index n = p.channels(), positions = p.positions();
  const ConstView<float> y = noisy.output(p.layer);
  AlignedVector<float> pooled(static_cast<std::size_t>(p.pooled * positions * kLanes));
  if (p.pooled > 0)
    nn::AdaptivePool(p.input, p.output)
        .forward(noisy.output(chip.network.inputs(p.layer).front()).data(), pooled.data());
  std::vector<Normal> sums(static_cast<std::size_t>(p.systems()), Normal(p));
  Eigen::VectorXd source(p.sources()), target(p.targets());
  for (Index system = 0; system < p.systems(); ++system) {
    Normal& sum = sums[static_cast<std::size_t>(system)];
    for (Index at = 0; at < positions; ++at)
      for (Index s = 0; s < samples; ++s) {
        if (p.mixes) {
          for (Index i = 0; i < p.pooled; ++i)
            source[i] = pooled[static_cast<std::size_t>((i * positions + at) * kLanes + s)];
          for (Index i = 0; i < n; ++i) {
            source[p.pooled + i] = y(i * positions + at, s);
            target[i] = wanted(i * positions + at, s);
          }
        } else {
          source[0] = y(system * positions + at, s);
          target[0] = wanted(system * positions + at, s);
        }
        source[p.sources() - 1] = 1;
        sum.gram.noalias() += source.lazyProduct(source.transpose());
        sum.right.noalias() += source.lazyProduct(target.transpose());
      }
  }
  return sums;
}

/// The solution, sources x targets, under a ridge that does not shrink the constant.
Eigen::MatrixXd solved(Normal sum, double strength) {
  const Index last = sum.gram.rows() - 1;
  const double ridge =
      strength * sum.gram.topLeftCorner(last, last).trace() / static_cast<double>(last);
  for (Index i = 0; i < last; ++i) sum.gram(i, i) += std::max(ridge, 1e-12);
  return sum.gram.ldlt().solve(sum.right);
}

/// The correction that one layer's sums ask for.
std::shared_ptr<nn::DigitalCorrection> correction_of(const LayerProblem& p,
                                                     const std::vector<Normal>& sums,
                                                     double strength) {
  const Index n = p.channels();
  std::vector<float> scale, shift;
  if (!p.mixes) {
    for (const Normal& sum : sums) {
      const Eigen::MatrixXd solution = solved(sum, strength);
      scale.push_back(static_cast<float>(solution(0, 0)));
      shift.push_back(static_cast<float>(solution(1, 0)));
    }
    return std::make_shared<nn::DigitalCorrection>(p.input, p.output, std::move(scale),
                                                   std::move(shift));
  }
  const Eigen::MatrixXd solution = solved(sums.front(), strength);
  Matrix<float> mixing(n, p.pooled + n);
  for (Index o = 0; o < n; ++o) {
    for (Index i = 0; i < p.pooled + n; ++i) mixing(o, i) = static_cast<float>(solution(i, o));
    shift.push_back(static_cast<float>(solution(p.sources() - 1, o)));
  }
  return std::make_shared<nn::DigitalCorrection>(p.input, p.output, std::move(mixing),
                                                 std::move(shift));
}

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
    const bool mixes = kind == Regression::ridge && structure.mac->is_convolution;
    const nn::Shape input = structure.inputs[0];
    const LayerProblem problem{l, input, structure.output, mixes,
                               mixes && options.reads_input ? input.channels : 0};
    chip.deployment.after[k] = nullptr;
    std::vector<std::vector<Normal>> blocks(static_cast<std::size_t>(clean.blocks()));
    const LayerActivations wanted = clean.outputs(l);
    for_each_pass(clean, reader, chip, [&](Index block, const nn::Workspace<float>& noisy) {
      blocks[static_cast<std::size_t>(block)] = sums_of_block(
          problem, chip, noisy, wanted[static_cast<std::size_t>(block)], clean.samples(block));
    });
    std::vector<Normal> sums(static_cast<std::size_t>(problem.systems()), Normal(problem));
    for (const auto& block : blocks)
      for (std::size_t system = 0; system < sums.size(); ++system) {
        sums[system].gram += block[system].gram;
        sums[system].right += block[system].right;
      }
    chip.deployment.after[k] = correction_of(problem, sums, options.strength);
  }
}

}  // namespace ohmic::lab
