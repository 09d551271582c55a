#include "lab/study/drift.h"

#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "sim/scaled.h"

namespace ohmic::lab {
namespace {

/// Sum of |y| of every output over all images and positions.
std::vector<double> magnitudes(const LinearOperator& mac, const std::vector<PatchView>& inputs,
                               const ReadContext& reader) {
  const Index outputs = mac.outputs();
  std::vector<double> sum(static_cast<std::size_t>(outputs));
  std::vector<float> y;
  for (std::size_t block = 0; block < inputs.size(); ++block) {
    const PatchView& x = inputs[block];
    const Index plane = x.positions() * x.samples;
    y.resize(static_cast<std::size_t>(outputs * plane));
    ReadContext context = reader;
    context.first_sample = static_cast<Index>(block) * kLanes;
    mac.apply(x, context, {y.data(), 1, plane, x.samples});
    for (Index o = 0; o < outputs; ++o)
      for (Index i = 0; i < plane; ++i)
        sum[static_cast<std::size_t>(o)] +=
            std::fabs(static_cast<double>(y[static_cast<std::size_t>(o * plane + i)]));
  }
  return sum;
}

}  // namespace

ProgrammedLayers after_drift(const ProgrammedLayers& chip, double seconds) {
  ProgrammedLayers later(chip.size());
  for_each_block(static_cast<Index>(chip.size()), [&](Index index) {
    const auto k = static_cast<std::size_t>(index);
    if (chip[k]) later[k] = std::make_shared<const sim::Ensemble>(chip[k]->after_drift(seconds));
  });
  return later;
}

OutputMagnitudes output_magnitudes(const nn::Deployment& chip, const CleanActivations& clean,
                                   const ReadContext& reader) {
  OutputMagnitudes all(chip.macs.size());
  for_each_block(static_cast<Index>(all.size()), [&](Index k) {
    const auto& mac = chip.macs[static_cast<std::size_t>(k)];
    if (!mac) return;
    const LayerActivations inputs = clean.inputs(k);
    all[static_cast<std::size_t>(k)] = magnitudes(*mac, clean.patches(k, inputs), reader);
  });
  return all;
}

nn::Deployment drift_compensated(DriftCompensation kind, const OutputMagnitudes& fresh,
                                 const nn::Deployment& later, const CleanActivations& clean,
                                 const ReadContext& reader) {
  nn::Deployment out = later;
  if (kind == DriftCompensation::none) return out;
  const OutputMagnitudes drifted = output_magnitudes(later, clean, reader);
  for (std::size_t k = 0; k < out.macs.size(); ++k) {
    if (!out.macs[k]) continue;
    std::vector<double> before = fresh[k], now = drifted[k];
    if (kind == DriftCompensation::global) {
      before.assign(now.size(), std::accumulate(before.begin(), before.end(), 0.0));
      now.assign(now.size(), std::accumulate(now.begin(), now.end(), 0.0));
    }
    std::vector<float> factors;
    for (std::size_t o = 0; o < now.size(); ++o)
      factors.push_back(now[o] > 0 && before[o] > 0 ? static_cast<float>(before[o] / now[o])
                                                    : 1.0f);
    out.macs[k] = std::make_shared<sim::Scaled>(later.macs[k], std::move(factors));
  }
  return out;
}

}  // namespace ohmic::lab
