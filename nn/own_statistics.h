#pragma once

#include "nn/training_step.h"

namespace ohmic::nn {

/// Images that running statistics are measured on.
inline constexpr Index kStatisticsImages = 2048;

/// Gives `parameters` the running statistics of batch-norm that are its own. Averaged weights need
/// it: the statistics of a training follow the weights of its steps, whose activations have other
/// means and variances. They are means over the batches (or, of group statistics, their
/// micro-batches) of the first kStatisticsImages of `images`, the list that `step` trains on, in
/// training mode and with its rules (variation, dropout) as they are from step `number` on. Frozen
/// layers (null: none) keep theirs; a network without batch-norm is left alone.
void measure_statistics(const Network& network, const ImageList& images, Index batch,
                        const std::vector<bool>* is_frozen, TrainingStep& step,
                        std::uint64_t number, Statistics statistics,
                        ParameterSet<float>& parameters);
/// Where the statistics of the steps are fixed, they are those of averaged weights too.
void copy_statistics(const Network& network, const ParameterSet<float>& from,
                     ParameterSet<float>& to);

}  // namespace ohmic::nn
