#pragma once

#include "lab/methods/kind.h"

/// Selective write-verify: only the weights that matter most are programmed with verification.
namespace ohmic::lab {

struct WriteVerifyOptions {
  double fraction = 0.05;
  std::string score = "fisher";
  double residual_sigma = 0.05;
  std::int64_t images = 1000;
};
void fields(FieldVisitor& f, WriteVerifyOptions& p);
MethodKind write_verify_kind();

/// A score per weight of every MAC layer: "fisher" (diagonal Fisher information x w^2, labels
/// sampled from the network itself, image by image; SWIM, Yan, Hu, Shi, DAC 2022,
/// arXiv:2202.08395), "magnitude" (|w|) or "random".
std::vector<Matrix<double>> weight_scores(const WriteVerifyOptions& options,
                                          const nn::TrainedNetwork& trained, const nn::Data& data,
                                          std::uint64_t seed);

/// Marks the fraction of weights with the highest scores, over all layers together, in `plan`; they
/// will be drawn from a log-normal device of options.residual_sigma.
void mark_verified(const WriteVerifyOptions& options, const std::vector<Matrix<double>>& scores,
                   HardwarePlan& plan);

/// MethodCost::pulses as text, "38,600"; "no end" where exact targets are asked for.
std::string pulse_words(double pulses);

}  // namespace ohmic::lab
