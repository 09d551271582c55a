#pragma once

#include <string>
#include <vector>

#include "nn/network.h"

/// Networks with CorrectNet's compensators behind some of their layers.
namespace ohmic::nn {

/// One compensator: `ratio` is generator filters over output maps of the layer (rounded up; 0:
/// none).
struct Placement {
  std::string layer;  ///< any layer: behind pooling there are fewer positions to compute
  double ratio = 0;
  bool operator==(const Placement&) const = default;
};

struct CompensatorStyle {
  std::string generator = "relu";
  bool is_residual = false;
  std::int64_t pooling = 1;  ///< side of the squares of pixels that share generated maps
};

/// Filters of a ratio: at least one where it is above 0.
Index filters_of(double ratio, Index outputs);

/// `base` with a layer "<name>_compensator" behind every placed layer; whoever read the layer reads
/// the compensator. ConfigError for a layer that is none.
Network with_compensators(const Network& base, const std::vector<Placement>& placements,
                          const CompensatorStyle& style);

/// Parameters of `to`: those of `from` where layers have the same name, else first values under
/// `seed` (a compensator starts transparent).
ParameterSet<float> transplanted(const Network& from, const ParameterSet<float>& parameters,
                                 const Network& to, std::uint64_t seed);

/// One flag per layer: everything but compensators is frozen.
std::vector<bool> frozen_but_compensators(const Network& network);

/// Numbers that the compensators add, in weights (m (l + n) + m + n (n + m) + n; residual n m), and
/// in multiply-accumulates per image: G at every square of pixels, C at every pixel (residual:
/// square).
struct Overhead {
  Index weights = 0, macs = 0;
};
Overhead compensator_overhead(const Network& network);

/// Folds a compensator with an identity generator and without pooling into one matrix: M = C_y [0
/// I] + C_g G over [xp; y], where z = M [xp; y] + c. Returns n x (l + n) and c (1 x n).
struct FoldedCompensator {
  Matrix<float> matrix, shift;
};
FoldedCompensator fold_compensator(const LayerParameters<float>& compensator, bool is_residual);

}  // namespace ohmic::nn
