#pragma once

#include <functional>
#include <vector>

#include "nn/dataset.h"
#include "nn/forward.h"
#include "nn/loss.h"

namespace ohmic::nn {

struct EvaluationOptions {
  /// Images per block, the unit of parallel work and of contexts; changes no result.
  Index batch = 256;
  /// Called once per block, possibly on several threads, for deployed layers: a ReadContext with
  /// counters of its own. first_sample is set here, to the image's place in the list.
  std::function<ReadContext(Index block)> context_of = {};
};

struct Evaluation {
  Index images = 0, correct = 0, top5 = 0;
  double accuracy = 0, top5_accuracy = 0;  ///< fractions
  double loss = 0;                         ///< mean cross-entropy
  std::vector<std::uint8_t> is_correct;    ///< 0 or 1 for each image
  std::vector<double>
      class_accuracy;  ///< a fraction for each class; NaN where the list has no image of it
};

/// Classifies every image. With `deployment`, its operators multiply. Results depend on no batch
/// and no thread count.
Evaluation evaluate(const Network& network, const ParameterSet<float>& parameters,
                    const ImageList& images, const Normalisation& normalisation,
                    const Deployment* deployment = nullptr, const EvaluationOptions& options = {});

}  // namespace ohmic::nn
