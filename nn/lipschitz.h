#pragma once

#include <string>
#include <vector>

#include "base/matrix.h"
#include "io/fields.h"

/// Error suppression by a bound on singular values (CorrectNet's "modified Lipschitz constant
/// regularisation"; what of it is the paper's and what is ours: docs/correctnet.md). A layer's
/// weight W is n x d, a convolution's filters are its rows.
namespace ohmic::nn {

enum class PenaltyKind { orthogonal, top_hinge, spectral_hinge };

struct PenaltyParams {
  PenaltyKind kind = PenaltyKind::orthogonal;
  double beta = 1e-3;
  std::optional<double> lambda;  ///< none: from the variation, k / (mu + 3 s)
  double k = 1.0;
  bool is_decoupled = false;  ///< a step of its own beside Adam's
  bool bounds_operator =
      false;  ///< of a convolution: bound the operator instead of the rows' matrix
};
void fields(FieldVisitor& f, PenaltyParams& p);

/// lambda = k / (mu + 3 s) of e^theta, theta ~ N(0, sigma^2): mu = e^(sigma^2/2),
/// s = sqrt(e^(sigma^2) (e^(sigma^2) - 1)).
double lambda_of(double sigma, double k);

/// beta ||W^T W - lambda^2 I||_F^2 through the smaller Gram matrix; adds its gradient
/// 4 beta (W W^T - lambda^2 I) W to `gradient` (n x d). For n < d the value leaves out the constant
/// (d - n) lambda^4.
template <class T>
double orthogonal_penalty(ConstView<T> w, double lambda, double beta, View<T> gradient);

/// beta max(s_1 - lambda, 0)^2 of the largest singular value; adds 2 beta (s_1 - lambda) u v^T.
/// `v` (d numbers) is the right singular vector found last time, improved in place: a warm power
/// iteration of `iterations` steps; all zero: started anew.
template <class T>
double top_hinge_penalty(ConstView<T> w, double lambda, double beta, std::vector<double>& v,
                         int iterations, View<T> gradient);

/// beta sum max(s_i - lambda, 0)^2 over all singular values; adds 2 beta sum (s_i - lambda)+ u_i
/// v_i^T.
template <class T>
double spectral_hinge_penalty(ConstView<T> w, double lambda, double beta, View<T> gradient);

/// Singular values, largest first, min(n, d) of them.
std::vector<double> singular_values(ConstView<float> w);

/// A bound of a convolution's operator norm is `kernel` / stride times its matrix norm (every input
/// pixel is read by at most ceil(kernel / stride)^2 windows): what lambda is divided by.
double operator_factor(Index kernel, Index stride);

/// How a layer hands on the noise of its weights: rho = cv sqrt(sum_ji w_ji^2 E[x_i^2] / sum_j Var
/// y_j), where cv is the coefficient of variation of a weight; it does not change when W is scaled.
/// `mean_square` holds E[x_i^2] (d), `output_variance` Var y_j (n).
double noise_gain(ConstView<float> w, const std::vector<double>& mean_square,
                  const std::vector<double>& output_variance, double sigma);

}  // namespace ohmic::nn
