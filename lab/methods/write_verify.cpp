#include "lab/methods/write_verify.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/console.h"
#include "base/elementary.h"
#include "base/parallel.h"
#include "devices/lognormal.h"
#include "lab/methods/variation.h"
#include "nn/fill_lanes.h"

namespace ohmic::lab {
namespace {

/// Squared gradients of log p(label) by every MAC weight, summed over images, one image per pass
/// (its own square is needed); blocks of images are added in order.
std::vector<Matrix<double>> fisher_information(const nn::TrainedNetwork& trained,
                                               const nn::Data& data, Index images,
                                               const RandomStream& stream) {
  const nn::Network& network = trained.network;
  const nn::ImageList list = data.train.first(images);
  std::vector<double> u(static_cast<std::size_t>(list.size()));
  stream.uniforms(scoring_address({}), 0, u);
  const Index last = network.layers() - 1, classes = network.output().features();
  constexpr Index kImages = 64;  // per block
  const Index blocks = block_count(list.size(), kImages);
  std::vector<std::vector<Matrix<double>>> sums(static_cast<std::size_t>(blocks));
  for_each_block(blocks, [&](Index block) {
    auto& sum = sums[static_cast<std::size_t>(block)];
    for (const Index l : network.mac_layers()) {
      const auto& w = trained.parameters[static_cast<std::size_t>(l)][0].value;
      sum.emplace_back(w.rows(), w.columns());
    }
    nn::Workspace<float> workspace(network, nn::Kept::gradients);
    nn::ParameterSet<float> gradient = nn::zero_parameters<float>(network);
    const nn::Pass pass{.samples = 1};
    for (Index i = block * kImages; i < std::min(list.size(), (block + 1) * kImages); ++i) {
      nn::Label label = 0;
      nn::fill_lanes<float>(list, data.normalisation, {&i, 1}, workspace.input(), {&label, 1});
      nn::forward(network, trained.parameters, workspace, pass);
      const View<float> logits = workspace.output(last), slope = workspace.gradient(last);
      double most = logits(0, 0), total = 0;
      for (Index c = 1; c < classes; ++c) most = std::max<double>(most, logits(c, 0));
      std::vector<double> p(static_cast<std::size_t>(classes));
      for (Index c = 0; c < classes; ++c)
        total += p[static_cast<std::size_t>(c)] = elementary::exp(logits(c, 0) - most);
      double at = u[static_cast<std::size_t>(i)] * total;
      Index drawn = 0;
      while (drawn + 1 < classes && (at -= p[static_cast<std::size_t>(drawn)]) > 0) ++drawn;
      std::fill_n(slope.data(), slope.size(), 0.0f);
      for (Index c = 0; c < classes; ++c)
        slope(c, 0) = static_cast<float>(p[static_cast<std::size_t>(c)] / total - (c == drawn));
      nn::set_zero(gradient);
      nn::backward(network, trained.parameters, workspace, pass, gradient);
      for (std::size_t k = 0; k < sum.size(); ++k) {
        const auto& g = gradient[static_cast<std::size_t>(network.mac_layers()[k])][0].value;
        for (Index w = 0; w < g.size(); ++w)
          sum[k].data()[w] += static_cast<double>(g.data()[w]) * g.data()[w];
      }
    }
  });
  for (std::size_t block = 1; block < sums.size(); ++block)
    for (std::size_t k = 0; k < sums[0].size(); ++k)
      for (Index w = 0; w < sums[0][k].size(); ++w)
        sums[0][k].data()[w] += sums[block][k].data()[w];
  return std::move(sums[0]);
}

/// Weights of a layer that are marked.
std::int64_t verified(const sim::LayerPlan& layer) {
  std::int64_t sum = 0;
  for (Index i = 0; i < layer.verified.size(); ++i) sum += layer.verified.data()[i];
  return sum;
}

/// Pulses beyond the first that leave a normal deviate of deviation `sigma` with `residual`, if
/// each of them draws anew until one lies within a tolerance: geometric, with the residual of a
/// truncated normal distribution (devices/write_verify.h). Infinite for a residual of 0.
double further_pulses(double sigma, double residual) {
  if (residual >= sigma) return 0;
  const auto inside = [](double a) { return 2 * elementary::normal_cdf(a) - 1; };
  constexpr double kUniform = 1e-3;  // a tolerance so narrow that what it leaves is uniform
  if (residual < kUniform * sigma) {
    const double a = std::sqrt(3.0) * residual / sigma;
    return 1 / (2 * a * elementary::normal_pdf(0)) - 1;
  }
  double low = kUniform, high = 10;  // of the tolerance over sigma
  for (int halving = 0; halving < 60; ++halving) {
    const double a = (low + high) / 2;
    const double left = std::sqrt(1 - 2 * a * elementary::normal_pdf(a) / inside(a));
    (left < residual / sigma ? low : high) = a;
  }
  return 1 / inside(low) - 1;
}

/// The deviation of the logarithm that one programming leaves: of weights, or of conductances at
/// half of the range.
double one_shot_sigma(const devices::DeviceModel& device) {
  if (const devices::WeightModel* on_weight = device.weights()) return on_weight->log_sigma();
  const double g = (device.g_min() + device.g_max()) / 2;
  const double relative = device.sigma(g, 0) / device.mean(g, 0);
  return std::sqrt(elementary::log(1 + relative * relative));
}

Method make(const WriteVerifyOptions& o, const std::string&) {
  Method method{.draws_by_seed = true};
  method.plan = [o](const nn::TrainedNetwork& trained, const nn::Data& data, std::uint64_t seed) {
    return [o, scores = weight_scores(o, trained, data, seed)](HardwarePlan& plan) {
      mark_verified(o, scores, plan);
    };
  };
  method.cost = [o](const HardwarePlan& plan, const Chip& chip, MethodCost& cost) {
    for (std::size_t k = 0; k < plan.layers.size(); ++k) {
      const auto& layer = plan.layers[k];
      if (!layer) continue;
      const std::int64_t marked = verified(*layer);
      const double cells = static_cast<double>(chip.programmed[k]->members().size()) *
                           (layer->rule.mapping() == sim::Mapping::offset ? 1 : 2);
      cost.verified += marked;
      cost.pulses += static_cast<double>(marked) * cells *
                     further_pulses(one_shot_sigma(*layer->hardware.device), o.residual_sigma);
    }
  };
  return method;
}

}  // namespace

void fields(FieldVisitor& f, WriteVerifyOptions& p) {
  f.field({.key = "fraction",
           .meaning = "fraction of weights that are verified (both devices of a pair)",
           .unit = "fraction",
           .low = 0,
           .high = 1},
          p.fraction);
  f.field({.key = "score",
           .meaning =
               "which weights: Fisher information times w^2 (SWIM, arXiv:2202.08395), |w|, or any",
           .one_of = {"fisher", "magnitude", "random"}},
          p.score);
  f.field({.key = "residual_sigma",
           .meaning = "residual log-normal variation after verification",
           .unit = "natural log",
           .low = 0,
           .high = kMostSigma},
          p.residual_sigma);
  f.field({.key = "images",
           .meaning = "training images for the Fisher information",
           .low = 1,
           .high = 1e6,
           .idle = p.score == "fisher" ? "" : "score is not \"fisher\""},
          p.images);
}

std::string pulse_words(double pulses) {
  return std::isfinite(pulses) ? grouped(std::llround(pulses)) : "no end";
}

MethodKind write_verify_kind() {
  return method_kind("write_verify", "programs the weights that matter most with verification",
                     make);
}

std::vector<Matrix<double>> weight_scores(const WriteVerifyOptions& o,
                                          const nn::TrainedNetwork& trained, const nn::Data& data,
                                          std::uint64_t seed) {
  const RandomStream stream(seed);
  std::vector<Matrix<double>> scores;
  if (o.score == "fisher") {
    scores = fisher_information(trained, data, o.images, stream);
  } else {
    for (const Index l : trained.network.mac_layers()) {
      const auto& w = trained.parameters[static_cast<std::size_t>(l)][0].value;
      scores.emplace_back(w.rows(), w.columns());
    }
  }
  for (std::size_t k = 0; k < scores.size(); ++k) {
    const auto layer = static_cast<std::size_t>(trained.network.mac_layers()[k]);
    const Matrix<float>& w = trained.parameters[layer][0].value;
    Matrix<double>& score = scores[k];
    if (o.score == "random")
      stream.uniforms(scoring_address({.layer = k + 1}), 0,
                      {score.data(), static_cast<std::size_t>(score.size())});
    else
      for (Index i = 0; i < w.size(); ++i) {
        const double value = w.data()[i];
        score.data()[i] = o.score == "fisher" ? score.data()[i] * value * value : std::fabs(value);
      }
  }
  return scores;
}

void mark_verified(const WriteVerifyOptions& o, const std::vector<Matrix<double>>& scores,
                   HardwarePlan& plan) {
  // Layers that stay digital take part in nothing.
  std::vector<std::pair<double, std::pair<std::size_t, Index>>> all;
  for (std::size_t k = 0; k < scores.size(); ++k)
    for (Index i = 0; plan.layers[k] && i < scores[k].size(); ++i)
      all.push_back({scores[k].data()[i], {k, i}});
  const auto count =
      static_cast<std::size_t>(std::llround(o.fraction * static_cast<double>(all.size())));
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t k = 0; k < scores.size(); ++k) {
    if (!plan.layers[k]) continue;
    sim::LayerPlan& layer = *plan.layers[k];
    const devices::DeviceModel& base = *layer.hardware.device;
    devices::LognormalParams residual;
    residual.cell.g_min = base.g_min();
    residual.cell.g_max = base.g_max();
    residual.cell.levels = base.levels();
    residual.sigma = o.residual_sigma;
    residual.on_device = !base.weights();
    layer.verified_device = devices::make_lognormal(residual);
    layer.verified = Matrix<std::uint8_t>(layer.mapped.rows(), layer.mapped.columns());
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [k, w] = all[i].second;
    const Index columns = scores[k].columns();
    plan.layers[k]->verified(w / columns, w % columns) = 1;
  }
}

}  // namespace ohmic::lab
