#include "lab/methods/chip.h"

namespace ohmic::lab {

std::size_t HardwarePlan::tiles() const {
  std::size_t sum = 0;
  for (const auto& layer : layers) sum += layer ? layer->tiles() : 0;
  return sum;
}

std::int64_t HardwarePlan::cells() const {
  std::int64_t sum = 0;
  for (const auto& layer : layers)
    if (layer) sum += layer->mapped.size() * sim::columns_of(layer->hardware.array.mapping);
  return sum;
}

nn::Overhead correction_overhead(const nn::Deployment& deployment) {
  nn::Overhead sum;
  for (const auto& correction : deployment.after)
    if (correction) {
      sum.weights += correction->weights();
      sum.macs += correction->macs();
    }
  return sum;
}

}  // namespace ohmic::lab
