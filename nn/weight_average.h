#pragma once

#include "nn/parameters.h"

/// Averaged weights: of the steps, by an exponential moving average (the recent ones of Polyak,
/// Juditsky, SIAM J. Control Optim. 30 (1992) 838), or of the epochs, by an equal one (stochastic
/// weight averaging: Izmailov et al., UAI 2018).
namespace ohmic::nn {

/// A running average.
struct WeightAverage {
  ParameterSet<float> parameters = {};  ///< empty while there are no terms
  Index terms = 0;
};

/// Adds a term to the equal mean: with weight 1 / terms.
void add_equally(WeightAverage& average, const ParameterSet<float>& parameters);

/// Adds a term to the mean with weights decay^age: with weight (1 - decay) / (1 - decay^terms),
/// which gives the first value no more than its share (the correction of Kingma, Ba, ICLR 2015).
void add_decaying(WeightAverage& average, const ParameterSet<float>& parameters, double decay);

}  // namespace ohmic::nn
