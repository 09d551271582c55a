#include "nn/own_statistics.h"

#include <algorithm>
#include <numeric>

namespace ohmic::nn {
namespace {

/// Running statistics, by layer and parameter.
std::vector<std::pair<std::size_t, std::size_t>> statistics_of(const Network& network,
                                                               const std::vector<bool>* is_frozen) {
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t l = 0; l < static_cast<std::size_t>(network.layers()); ++l) {
    const auto& parameters = network.structure(static_cast<Index>(l)).parameters;
    for (std::size_t p = 0; p < parameters.size(); ++p)
      if (!parameters[p].is_trained && !(is_frozen && (*is_frozen)[l])) places.emplace_back(l, p);
  }
  return places;
}

}  // namespace

void measure_statistics(const Network& network, const ImageList& images, Index batch,
                        const std::vector<bool>* is_frozen, TrainingStep& step,
                        std::uint64_t number, Statistics statistics,
                        ParameterSet<float>& parameters) {
  const auto places = statistics_of(network, is_frozen);
  if (places.empty()) return;
  std::vector<Index> list(static_cast<std::size_t>(std::min(kStatisticsImages, images.size())));
  std::iota(list.begin(), list.end(), Index{0});
  ParameterSet<double> sums = zero_parameters<double>(network);
  for (std::size_t first = 0; first < list.size(); first += static_cast<std::size_t>(batch)) {
    const std::size_t count = std::min(static_cast<std::size_t>(batch), list.size() - first);
    step.compute(parameters, {list.data() + first, count}, number++, statistics);
    for (Index block = 0; block < step.blocks(count); ++block) {
      const Index seen = std::min<Index>(kLanes, static_cast<Index>(count) - block * kLanes);
      const double share = static_cast<double>(seen) / static_cast<double>(list.size());
      for (const auto& [l, p] : places) {
        const Matrix<float>& observed = step.observed(block)[l][p].value;
        double* sum = sums[l][p].value.data();
        for (Index i = 0; i < observed.size(); ++i)
          sum[i] += share * static_cast<double>(observed.data()[i]);
      }
    }
  }
  for (const auto& [l, p] : places) parameters[l][p].value = Matrix<float>(sums[l][p].value.view());
}

void copy_statistics(const Network& network, const ParameterSet<float>& from,
                     ParameterSet<float>& to) {
  for (const auto& [l, p] : statistics_of(network, nullptr)) to[l][p].value = from[l][p].value;
}

}  // namespace ohmic::nn
