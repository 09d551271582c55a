#include "nn/compensated.h"

#include <algorithm>
#include <cmath>

#include "nn/layer_compensator.h"

namespace ohmic::nn {

Index filters_of(double ratio, Index outputs) {
  if (ratio <= 0) return 0;
  return std::max<Index>(
      1, static_cast<Index>(std::ceil(ratio * static_cast<double>(outputs) - 1e-9)));
}

Network with_compensators(const Network& base, const std::vector<Placement>& placements,
                          const CompensatorStyle& style) {
  for (const Placement& p : placements) {
    std::string names;
    bool is_known = false;
    for (Index l = 0; l < base.layers(); ++l) {
      is_known = is_known || base.name(l) == p.layer;
      names += (names.empty() ? "" : ", ") + base.name(l);
    }
    if (!is_known)
      throw ConfigError("no compensator can stand behind '" + p.layer +
                        "': the network's layers are " + names);
  }
  NetworkSpec spec;
  const auto name_of = [&](Index l) { return l == Network::kImage ? "input" : base.name(l); };
  std::vector<std::string> stands_for;  // what readers of each layer read
  const auto reads = [&](Index l) {
    return l == Network::kImage ? std::string("input") : stands_for[static_cast<std::size_t>(l)];
  };
  for (Index l = 0; l < base.layers(); ++l) {
    LayerSpec layer = base.spec()[static_cast<std::size_t>(l)];
    layer.inputs.clear();
    for (const Index from : base.inputs(l)) layer.inputs.push_back(reads(from));
    spec.push_back(layer);
    stands_for.push_back(name_of(l));
    for (const Placement& p : placements) {
      const Index filters = filters_of(p.ratio, base.shape(l).channels);
      if (p.layer != layer.name || filters == 0) continue;
      spec.push_back(compensator_behind(layer.name, layer.inputs.front(),
                                        {.filters = filters,
                                         .generator = style.generator,
                                         .is_residual = style.is_residual,
                                         .pooling = style.pooling}));
      stands_for.back() = spec.back().name;
    }
  }
  return {spec, base.input()};
}

ParameterSet<float> transplanted(const Network& from, const ParameterSet<float>& parameters,
                                 const Network& to, std::uint64_t seed) {
  ParameterSet<float> out = initial_parameters(to, seed);
  for (Index l = 0; l < to.layers(); ++l)
    for (Index k = 0; k < from.layers(); ++k)
      if (from.name(k) == to.name(l))
        out[static_cast<std::size_t>(l)] = parameters[static_cast<std::size_t>(k)];
  return out;
}

std::vector<bool> frozen_but_compensators(const Network& network) {
  std::vector<bool> frozen;
  for (Index l = 0; l < network.layers(); ++l) frozen.push_back(!network.structure(l).compensator);
  return frozen;
}

Overhead compensator_overhead(const Network& network) {
  Overhead sum;
  for (Index l = 0; l < network.layers(); ++l) {
    if (!network.structure(l).compensator) continue;
    sum.macs += network.structure(l).compensator->macs;
    for (const ParameterSpec& p : network.structure(l).parameters)
      sum.weights += p.rows * p.columns;
  }
  return sum;
}

FoldedCompensator fold_compensator(const LayerParameters<float>& c, bool is_residual) {
  const Matrix<float>&generator = c[0].value, &generator_bias = c[1].value, &weight = c[2].value,
        &bias = c[3].value;
  const Index m = generator.rows(), n = weight.rows(), l = generator.columns() - n;
  FoldedCompensator folded{Matrix<float>(n, l + n), bias};
  const Index first = is_residual ? 0 : n;  // of the generated maps among C's columns
  for (Index o = 0; o < n; ++o) {
    for (Index i = 0; i < n; ++i)
      folded.matrix(o, l + i) = is_residual ? (i == o ? 1.0f : 0.0f) : weight(o, i);
    for (Index k = 0; k < m; ++k) {
      for (Index i = 0; i < l + n; ++i)
        folded.matrix(o, i) += weight(o, first + k) * generator(k, i);
      folded.shift(0, o) += weight(o, first + k) * generator_bias(0, k);
    }
  }
  return folded;
}

}  // namespace ohmic::nn
