#include "lab/check_methods.h"

#include <algorithm>

#include "lab/described_network.h"
#include "lab/methods/training_recipe.h"
#include "lab/session.h"
#include "nn/compensated.h"

namespace ohmic::lab {
namespace {

/// `body`, whose ConfigError is told at the place of `key`.
template <class Body>
auto at_key(const Experiment& e, const std::string& key, Body body) {
  try {
    return body();
  } catch (const ConfigError& error) {
    fail_key(e, key, key + ": " + error.what());
  }
}

bool has_digital_batch_norm(const Experiment& e, const nn::Network& network) {
  if (e.network.fold_batch_norm) return false;
  for (Index l = 0; l < network.layers(); ++l)
    if (network.type(l) == "batch_norm") return true;
  return false;
}

/// Weights of the smallest compensator of `ratio` on one of `layers`.
Index smallest_compensator(const nn::Network& network, const std::vector<std::string>& layers,
                           double ratio, const nn::CompensatorStyle& style) {
  Index smallest = 0;
  for (const std::string& layer : layers) {
    const Index own =
        nn::compensator_overhead(nn::with_compensators(network, {{layer, ratio}}, style)).weights;
    if (smallest == 0 || own < smallest) smallest = own;
  }
  return smallest;
}

}  // namespace

void check_methods(const Experiment& e, const nn::Network& network,
                   const std::vector<std::string>& methods) {
  for (const std::string& name : methods) {
    const MethodSet set = parse_method(name);
    if (set.compensation) {
      const CompensationOptions& o = e.methods.compensation;
      const std::string key =
          o.placement.empty() ? "methods.compensation.layers" : "methods.compensation.placement";
      at_key(e, key, [&] { return compensated_network(e, network, o); });
    }
    if (set.bn_reestimation && !has_digital_batch_norm(e, network))
      throw ConfigError(
          e.origin.place + ": method \"" + name +
          "\" re-estimates batch-norm, and the network has no digital batch-norm layer "
          "(network.fold_batch_norm = false keeps them)");
  }
}

void check_search(const Experiment& e, const nn::Network& network) {
  const SearchParams& search = e.search;
  double ratio = 0;
  for (const double r : search.ratios)
    if (r > 0 && (ratio == 0 || r < ratio)) ratio = r;
  if (ratio == 0) fail_key(e, "search.ratios", "search.ratios has no ratio above 0");
  std::vector<std::string> layers = search.layers;
  if (layers.empty())
    for (const Index l : network.mac_layers()) layers.push_back(network.name(l));
  const Index smallest = at_key(e, "search.layers", [&] {
    return smallest_compensator(network, layers, ratio, e.methods.compensation.style);
  });
  const double share =
      static_cast<double>(smallest) / static_cast<double>(network.parameter_count());
  if (share > e.methods.compensation.overhead_limit)
    fail_key(
        e, "methods.compensation.overhead_limit",
        fmt::format("methods.compensation.overhead_limit = {} is met by no placement: ratio {} "
                    "on one layer adds {:.3g} of the network's weights",
                    shortest(e.methods.compensation.overhead_limit), shortest(ratio), share));
}

}  // namespace ohmic::lab
