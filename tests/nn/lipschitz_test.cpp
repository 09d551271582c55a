#include "nn/lipschitz.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>
#include <functional>
#include <random>

#include "synthetic.h"

using namespace ohmic;
using namespace ohmic::nn;

namespace {

Matrix<double> random_weights(Index rows, Index columns, unsigned seed) {
  Matrix<double> w(rows, columns);
  std::mt19937 rng(seed);
  nn::testing::fill_random(w.view(), rng, columns);
  return w;
}

/// Largest difference between an analytic gradient and central differences, relative to the largest
/// slope.
double worst_slope(Matrix<double> w, const std::function<double(ConstView<double>)>& value,
                   const Matrix<double>& gradient) {
  double worst = 0, largest = 0;
  for (Index i = 0; i < w.size(); ++i) {
    const double kept = w.data()[i], step = 1e-5;
    w.data()[i] = kept + step;
    const double above = value(w);
    w.data()[i] = kept - step;
    const double below = value(w);
    w.data()[i] = kept;
    const double slope = (above - below) / (2 * step);
    worst = std::fmax(worst, std::fabs(slope - gradient.data()[i]));
    largest = std::fmax(largest, std::fabs(slope));
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("the orthogonal penalty's gradient agrees with central differences, wide and tall") {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{4, 9}, {9, 4}, {5, 5}}) {
    const Matrix<double> w = random_weights(rows, columns, 3);
    Matrix<double> gradient(rows, columns);
    orthogonal_penalty<double>(w, 0.34, 0.7, gradient);
    const auto value = [&](ConstView<double> at) {
      Matrix<double> unused(at.rows(), at.columns());
      return orthogonal_penalty<double>(at, 0.34, 0.7, unused);
    };
    CHECK(worst_slope(w, value, gradient) < 1e-8);
  }
}

TEST_CASE(
    "wide and tall forms of the penalty agree: equal gradients, values (d - n) lambda^4 apart") {
  const Index n = 3, d = 8;
  const double lambda = 0.6, beta = 0.5;
  const Matrix<double> w = random_weights(n, d, 5);
  Matrix<double> transposed(d, n), gradient(n, d), gradient_t(d, n);
  for (Index r = 0; r < n; ++r)
    for (Index c = 0; c < d; ++c) transposed(c, r) = w(r, c);
  const double wide = orthogonal_penalty<double>(w, lambda, beta, gradient);
  const double tall = orthogonal_penalty<double>(transposed, lambda, beta, gradient_t);
  CHECK(wide == doctest::Approx(tall).epsilon(1e-12));
  for (Index r = 0; r < n; ++r)
    for (Index c = 0; c < d; ++c)
      CHECK(gradient(r, c) == doctest::Approx(gradient_t(c, r)).epsilon(1e-12));
  // Against the definition, with the large Gram matrix.
  const Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>> m(w.data(), n, d);
  const Eigen::MatrixXd gram =
      m.transpose() * m - lambda * lambda * Eigen::MatrixXd::Identity(d, d);
  CHECK(beta * gram.squaredNorm() ==
        doctest::Approx(wide + beta * static_cast<double>(d - n) * std::pow(lambda, 4))
            .epsilon(1e-12));
}

TEST_CASE("the hinges' gradients agree with central differences") {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{4, 9}, {9, 4}}) {
    const Matrix<double> w = random_weights(rows, columns, 7);
    Matrix<double> gradient(rows, columns);
    spectral_hinge_penalty<double>(w, 1.0, 0.7, gradient);
    const auto spectral = [&](ConstView<double> at) {
      Matrix<double> unused(at.rows(), at.columns());
      return spectral_hinge_penalty<double>(at, 1.0, 0.7, unused);
    };
    CHECK(worst_slope(w, spectral, gradient) < 1e-6);

    Matrix<double> top_gradient(rows, columns);
    std::vector<double> warm(static_cast<std::size_t>(columns), 0.0);
    top_hinge_penalty<double>(w, 1.0, 0.7, warm, 500, top_gradient);
    const auto top = [&](ConstView<double> at) {
      Matrix<double> unused(at.rows(), at.columns());
      std::vector<double> start = warm;
      return top_hinge_penalty<double>(at, 1.0, 0.7, start, 500, unused);
    };
    CHECK(worst_slope(w, top, top_gradient) < 1e-6);
  }
}

TEST_CASE("hinges leave small singular values alone, and singular values equal Eigen's own") {
  Matrix<double> w = random_weights(4, 6, 9), gradient(4, 6);
  for (Index i = 0; i < w.size(); ++i) w.data()[i] *= 0.01;
  std::vector<double> warm(6, 0.0);
  CHECK(spectral_hinge_penalty<double>(w, 1.0, 1.0, gradient) == 0);
  CHECK(top_hinge_penalty<double>(w, 1.0, 1.0, warm, 10, gradient) == 0);
  for (Index i = 0; i < gradient.size(); ++i) CHECK(gradient.data()[i] == 0);
  const Matrix<float> single(random_weights(5, 12, 2).view());
  const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> m(single.data(), 5, 12);
  const Eigen::VectorXd expected = m.cast<double>().jacobiSvd().singularValues();
  const std::vector<double> found = singular_values(single);
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[static_cast<Eigen::Index>(i)]).epsilon(1e-10));
}

TEST_CASE("lambda follows the variation: about .34 at sigma .5") {
  CHECK(lambda_of(0.5, 1.0) == doctest::Approx(0.33958).epsilon(1e-4));
  CHECK(lambda_of(0.0, 1.0) == doctest::Approx(1.0));
  CHECK(operator_factor(5, 1) == 5);
  CHECK(operator_factor(3, 2) == 2);
}

TEST_CASE("the noise gain does not change when a layer is scaled") {
  Matrix<float> w(random_weights(3, 4, 1).view());
  const std::vector<double> square{1.0, 2.0, 0.5, 1.5};
  std::vector<double> variance{0.3, 0.2, 0.7};
  const double before = noise_gain(w, square, variance, 0.5);
  for (Index i = 0; i < w.size(); ++i) w.data()[i] *= 3;
  for (double& v : variance) v *= 9;
  CHECK(noise_gain(w, square, variance, 0.5) == doctest::Approx(before).epsilon(1e-6));
}
