#include <algorithm>
#include <cmath>

#include "nn/layer_mac.h"
#include "nn/network.h"

namespace ohmic::nn {
namespace {

/// The linear or conv layer that batch-norm layer `l` can go into, or kImage.
Index host_of(const Network& network, Index l) {
  if (!network.structure(l).batch_norm) return Network::kImage;
  const Index host = network.inputs(l).front();
  if (host == Network::kImage || !network.structure(host).mac) return Network::kImage;
  // A linear layer's batch-norm has one channel per output as well.
  Index readers = 0;
  for (Index other = 0; other < network.layers(); ++other)
    readers += std::count(network.inputs(other).begin(), network.inputs(other).end(), host);
  return readers == 1 ? host : Network::kImage;
}

/// w' = s w, b' = s (b - mean) + beta with s = gamma / sqrt(variance + epsilon), in double.
LayerParameters<float> folded(const LayerParameters<float>& host,
                              const LayerParameters<float>& norm, double epsilon) {
  LayerParameters<float> result = {{"weight", host[0].value},
                                   {"bias", Matrix<float>(1, host[0].value.rows())}};
  for (Index o = 0; o < host[0].value.rows(); ++o) {
    const auto at = [&](const char* name) {
      return static_cast<double>((*find(norm, name))(0, o));
    };
    const double scale = at("weight") / std::sqrt(at("running_variance") + epsilon);
    const Matrix<float>* old_bias = find(host, "bias");
    const double bias = old_bias ? static_cast<double>((*old_bias)(0, o)) : 0.0;
    for (Index r = 0; r < host[0].value.columns(); ++r)
      result[0].value(o, r) = static_cast<float>(scale * static_cast<double>(host[0].value(o, r)));
    result[1].value(0, o) = static_cast<float>(scale * (bias - at("running_mean")) + at("bias"));
  }
  return result;
}

}  // namespace

TrainedNetwork fold_batch_norm(const Network& network, const ParameterSet<float>& parameters) {
  const auto layers = static_cast<std::size_t>(network.layers());
  std::vector<std::string> stands_for(
      layers);  // the name under which a layer's output is now found
  NetworkSpec spec;
  ParameterSet<float> set;
  for (std::size_t l = 0; l < layers; ++l) {
    const Index host = host_of(network, static_cast<Index>(l));
    stands_for[l] = network.name(host == Network::kImage ? static_cast<Index>(l) : host);
    if (host != Network::kImage) {
      const auto at = static_cast<std::size_t>(
          std::find_if(spec.begin(), spec.end(),
                       [&](const LayerSpec& s) { return s.name == stands_for[l]; }) -
          spec.begin());
      set[at] = folded(set[at], parameters[l],
                       network.structure(static_cast<Index>(l)).batch_norm->epsilon);
      MacParams mac = spec[at].parameters<MacParams>();
      mac.bias = true;
      spec[at].own = mac;
      continue;
    }
    LayerSpec layer = network.spec()[l];
    layer.inputs.clear();
    for (Index from : network.inputs(static_cast<Index>(l)))
      layer.inputs.push_back(from == Network::kImage ? "input"
                                                     : stands_for[static_cast<std::size_t>(from)]);
    const std::string before = spec.empty() ? "input" : spec.back().name;
    if (layer.inputs.size() == 1 && layer.inputs.front() == before) layer.inputs.clear();
    spec.push_back(std::move(layer));
    set.push_back(parameters[l]);
  }
  return {Network(std::move(spec), network.input()), std::move(set)};
}

}  // namespace ohmic::nn
