#pragma once

#include "base/address.h"
#include "base/matrix.h"
#include "base/random_stream.h"

/// The second handshake between networks and hardware: a network's weights as a programmed chip
/// would hold them.
namespace ohmic {

/// Draws perturbed weights. The nn room owns plain log-normal and Gaussian ones; any device model
/// with its mapping can stand behind it too.
class WeightPerturbation {
 public:
  virtual ~WeightPerturbation() = default;
  /// `w` is n_out x n_in, the weights of layer draw.layer. Writes w_tilde and the derivative of
  /// w_tilde by w (e^theta where the model multiplies the weight, else 1: straight through levels
  /// and clips). `draw.row` is ignored: the perturbation addresses the rows itself. Views of equal
  /// shape; w_tilde may not alias w.
  virtual void draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
                    ConstView<float> w, View<float> w_tilde, View<float> dw_tilde_dw) const = 0;
};

}  // namespace ohmic
