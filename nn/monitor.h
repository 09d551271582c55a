#pragma once

#include <vector>

#include "nn/dataset.h"
#include "nn/network.h"

namespace ohmic::nn {

/// The state of the MAC layers of a network at the end of an epoch, one number per layer.
struct LayerMonitors {
  std::vector<double> s_max;             ///< largest singular value of W (filters as rows)
  std::vector<double> condition_number;  ///< over the smallest one; infinite where that is 0
  std::vector<double> noise_gain;        ///< nn::noise_gain at `sigma`, on clean activations
};

/// What monitors cost stays small beside an epoch: they look at this many images.
inline constexpr Index kMonitorImages = 256;

/// The log-normal variation whose gain trainings monitor: the paper's largest.
inline constexpr double kMonitorSigma = 0.5;

/// Measured on the first kMonitorImages of `images`.
LayerMonitors monitor_layers(const Network& network, const ParameterSet<float>& parameters,
                             const ImageList& images, const Normalisation& normalisation,
                             double sigma);

}  // namespace ohmic::nn
