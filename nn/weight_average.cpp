#include "nn/weight_average.h"

#include "base/elementary.h"

namespace ohmic::nn {
namespace {

void add(WeightAverage& average, const ParameterSet<float>& parameters, double weight) {
  if (average.terms == 1) {
    average.parameters = parameters;
    return;
  }
  const auto share = static_cast<float>(weight);
  for_each_parameter(
      [share](Matrix<float>& mean, const Matrix<float>& term) {
        for (Index i = 0; i < mean.size(); ++i)
          mean.data()[i] += share * (term.data()[i] - mean.data()[i]);
      },
      average.parameters, parameters);
}

}  // namespace

void add_equally(WeightAverage& average, const ParameterSet<float>& parameters) {
  ++average.terms;
  add(average, parameters, 1 / static_cast<double>(average.terms));
}

void add_decaying(WeightAverage& average, const ParameterSet<float>& parameters, double decay) {
  ++average.terms;
  const double gone = decay == 0 ? 0.0 : elementary::pow(decay, static_cast<double>(average.terms));
  add(average, parameters, (1 - decay) / (1 - gone));
}

}  // namespace ohmic::nn
