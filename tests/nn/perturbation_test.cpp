#include "nn/perturbation.h"

#include <doctest/doctest.h>

#include <cmath>

namespace ohmic::nn {
namespace {

constexpr Index kRows = 200, kColumns = 333;  // no multiple of a Philox block

TEST_CASE("log-normal weights are w e^theta with theta of the asked deviation") {
  const RandomStream stream(5);
  const Matrix<float> w(kRows, kColumns, 2.0f);
  Matrix<float> noisy(kRows, kColumns), derivative(kRows, kColumns);
  LogNormalPerturbation(0.4).draw(stream, Purpose::training_noise, {.step = 3, .layer = 1}, w,
                                  noisy, derivative);
  double sum = 0, squares = 0;
  for (Index i = 0; i < w.size(); ++i) {
    CHECK(noisy.data()[i] == 2.0f * derivative.data()[i]);
    const double theta = std::log(static_cast<double>(derivative.data()[i]));
    sum += theta;
    squares += theta * theta;
  }
  const double n = static_cast<double>(w.size());
  // 5 sigma (false alarm 6e-7): mean .4/sqrt(n), deviation .4/sqrt(2n).
  CHECK(std::abs(sum / n) < 5 * 0.4 / std::sqrt(n));
  CHECK(std::abs(std::sqrt(squares / n) - 0.4) < 5 * 0.4 / std::sqrt(2 * n));
}

TEST_CASE("Gaussian weights spread by sigma of the largest weight, with derivative 1") {
  const RandomStream stream(5);
  Matrix<float> w(kRows, kColumns, 0.5f);
  w(3, 4) = -2.0f;
  Matrix<float> noisy(kRows, kColumns), derivative(kRows, kColumns);
  GaussianPerturbation(0.1).draw(stream, Purpose::training_noise, {}, w, noisy, derivative);
  double squares = 0;
  for (Index i = 0; i < w.size(); ++i) {
    const double d = static_cast<double>(noisy.data()[i] - w.data()[i]);
    squares += d * d;
    CHECK(derivative.data()[i] == 1.0f);
  }
  const double n = static_cast<double>(w.size());
  CHECK(std::abs(std::sqrt(squares / n) - 0.2) < 5 * 0.2 / std::sqrt(2 * n));
}

TEST_CASE("a weight's draw belongs to its coordinates, step and layer") {
  const RandomStream stream(5);
  const Matrix<float> w(6, 10, 1.0f);
  const LogNormalPerturbation perturbation(0.4);
  const auto draw = [&](TrainingDraw at, Index rows, Index columns) {
    Matrix<float> noisy(rows, columns), derivative(rows, columns);
    perturbation.draw(stream, Purpose::training_noise, at,
                      ConstView<float>(w.data(), rows, columns, 10), noisy, derivative);
    return noisy;
  };
  const Matrix<float> whole = draw({}, 6, 10), part = draw({}, 3, 7);
  for (Index r = 0; r < 3; ++r)
    for (Index c = 0; c < 7; ++c) CHECK(part(r, c) == whole(r, c));
  CHECK(draw({.step = 1}, 6, 10) != whole);
  CHECK(draw({.micro_batch = 1}, 6, 10) != whole);
  CHECK(draw({.layer = 1}, 6, 10) != whole);
}

}  // namespace
}  // namespace ohmic::nn
