#include "nn/lipschitz.h"

// Bits must not follow the host's caches or threads (base/kernels.h serves products for the same
// reason).
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "base/elementary.h"

namespace ohmic::nn {
namespace {

template <class T>
using Dense = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using ConstMap = Eigen::Map<const Dense<T>, 0, Eigen::OuterStride<>>;
template <class T>
using Map = Eigen::Map<Dense<T>, 0, Eigen::OuterStride<>>;

template <class T>
ConstMap<T> map_of(ConstView<T> w) {
  static const bool sized = [] {
    Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024);
    return true;
  }();
  (void)sized;
  return ConstMap<T>(w.data(), w.rows(), w.columns(), Eigen::OuterStride<>(w.stride()));
}
template <class T>
Map<T> map_of(View<T> w) {
  return Map<T>(w.data(), w.rows(), w.columns(), Eigen::OuterStride<>(w.stride()));
}

/// The Gram matrix of the smaller side.
Eigen::MatrixXd small_gram(const Eigen::MatrixXd& w) {
  if (w.rows() <= w.cols()) return w * w.transpose();
  return w.transpose() * w;
}

}  // namespace

void fields(FieldVisitor& f, PenaltyParams& p) {
  f.field({.key = "form",
           .meaning = "what is penalised: distance of W^T W from lambda^2 I, or singular values "
                      "above lambda (the largest, all)"},
          p.kind, {"orthogonal", "top_hinge", "spectral_hinge"});
  f.field({.key = "beta", .meaning = "weight of the penalty (our recipe: 1e-3)", .low = 0}, p.beta);
  f.field({.key = "lambda",
           .meaning = "bound; none: k / (mu + 3 s) of the variation",
           .low = 0,
           .low_open = true,
           .word = "variation"},
          p.lambda);
  f.field({.key = "k",
           .meaning = "k of the bound from the variation",
           .low = 0,
           .low_open = true,
           .idle = p.lambda ? "lambda is given" : ""},
          p.k);
  f.field({.key = "decoupled", .meaning = "take the penalty's step apart from the optimiser's"},
          p.is_decoupled);
  f.field({.key = "conv_operator",
           .meaning = "bound a convolution's operator norm instead of its matrix of filters"},
          p.bounds_operator);
}

double lambda_of(double sigma, double k) {
  const double square = elementary::exp(sigma * sigma);
  return k / (std::sqrt(square) + 3 * std::sqrt(square * (square - 1)));
}

template <class T>
double orthogonal_penalty(ConstView<T> view, double lambda, double beta, View<T> gradient) {
  const ConstMap<T> w = map_of(view);
  const T square = static_cast<T>(lambda * lambda);
  if (w.rows() <= w.cols()) {
    Dense<T> gram = w * w.transpose();
    gram.diagonal().array() -= square;
    map_of(gradient) += static_cast<T>(4 * beta) * (gram * w);
    return beta * static_cast<double>(gram.squaredNorm());
  }
  Dense<T> gram = w.transpose() * w;
  gram.diagonal().array() -= square;
  map_of(gradient) += static_cast<T>(4 * beta) * (w * gram);
  return beta * static_cast<double>(gram.squaredNorm());
}

template <class T>
double top_hinge_penalty(ConstView<T> view, double lambda, double beta, std::vector<double>& warm,
                         int iterations, View<T> gradient) {
  const Eigen::MatrixXd w = map_of(view).template cast<double>();
  Eigen::Map<Eigen::VectorXd> v(warm.data(), w.cols());
  if (v.squaredNorm() == 0) v.setLinSpaced(w.cols(), 1.0, 2.0);
  Eigen::VectorXd u(w.rows());
  for (int i = 0; i < iterations; ++i) {
    u = (w * v).normalized();
    v = (w.transpose() * u).normalized();
  }
  const double top = (w * v).norm();
  if (top <= lambda) return 0.0;
  u = (w * v) / top;
  map_of(gradient) += (2 * beta * (top - lambda) * u * v.transpose()).template cast<T>();
  return beta * (top - lambda) * (top - lambda);
}

template <class T>
double spectral_hinge_penalty(ConstView<T> view, double lambda, double beta, View<T> gradient) {
  const Eigen::MatrixXd w = map_of(view).template cast<double>();
  const bool is_wide = w.rows() <= w.cols();
  // Singular vectors of the smaller side are eigenvectors of its Gram matrix; u_i v_i^T s_i = u_i
  // u_i^T W.
  const Eigen::MatrixXd gram = small_gram(w);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram);
  Eigen::VectorXd share(gram.rows());
  double value = 0;
  for (Eigen::Index i = 0; i < gram.rows(); ++i) {
    const double s = std::sqrt(std::max(solver.eigenvalues()[i], 0.0));
    const double excess = std::max(s - lambda, 0.0);
    value += beta * excess * excess;
    share[i] = excess > 0 ? 2 * beta * excess / s : 0.0;
  }
  const Eigen::MatrixXd projector =
      solver.eigenvectors() * share.asDiagonal() * solver.eigenvectors().transpose();
  const Eigen::MatrixXd slope =
      is_wide ? Eigen::MatrixXd(projector * w) : Eigen::MatrixXd(w * projector);
  map_of(gradient) += slope.template cast<T>();
  return value;
}

std::vector<double> singular_values(ConstView<float> view) {
  const Eigen::MatrixXd w = map_of(view).cast<double>();
  const Eigen::MatrixXd gram = small_gram(w);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram, Eigen::EigenvaluesOnly);
  std::vector<double> values;
  for (Eigen::Index i = gram.rows() - 1; i >= 0; --i)
    values.push_back(std::sqrt(std::max(solver.eigenvalues()[i], 0.0)));
  return values;
}

double operator_factor(Index kernel, Index stride) {
  const Index rounded_up = (kernel + stride - 1) / stride;
  return static_cast<double>(rounded_up);
}

double noise_gain(ConstView<float> w, const std::vector<double>& mean_square,
                  const std::vector<double>& output_variance, double sigma) {
  double noise = 0, signal = 0;
  for (Index j = 0; j < w.rows(); ++j)
    for (Index i = 0; i < w.columns(); ++i)
      noise += static_cast<double>(w(j, i)) * w(j, i) * mean_square[static_cast<std::size_t>(i)];
  for (const double variance : output_variance) signal += variance;
  const double cv = std::sqrt(elementary::exp(sigma * sigma) - 1);
  return signal > 0 ? cv * std::sqrt(noise / signal) : 0.0;
}

template double orthogonal_penalty(ConstView<float>, double, double, View<float>);
template double orthogonal_penalty(ConstView<double>, double, double, View<double>);
template double top_hinge_penalty(ConstView<float>, double, double, std::vector<double>&, int,
                                  View<float>);
template double top_hinge_penalty(ConstView<double>, double, double, std::vector<double>&, int,
                                  View<double>);
template double spectral_hinge_penalty(ConstView<float>, double, double, View<float>);
template double spectral_hinge_penalty(ConstView<double>, double, double, View<double>);

}  // namespace ohmic::nn
