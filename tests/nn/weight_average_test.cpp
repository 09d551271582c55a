#include "nn/weight_average.h"

#include <doctest/doctest.h>

#include <cmath>

#include "nn/gradient_clip.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

/// One parameter of one number.
ParameterSet<float> number(double value) {
  ParameterSet<float> set(1);
  set[0].push_back({"weight", Matrix<float>(1, 1, static_cast<float>(value))});
  return set;
}
double value_of(const WeightAverage& average) {
  return static_cast<double>(average.parameters[0][0].value(0, 0));
}

const std::vector<double> kTerms{0.7, -1.2, 3.5, 0.1, 2.0};

TEST_CASE("an exponential moving average weighs terms by their age, and by nothing else") {
  for (const double decay : {0.0, 0.5, 0.9, 0.9999}) {
    WeightAverage average;
    for (std::size_t n = 1; n <= kTerms.size(); ++n) {
      add_decaying(average, number(kTerms[n - 1]), decay);
      double sum = 0, weights = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const double weight = std::pow(decay, static_cast<double>(n - 1 - k));
        sum += weight * kTerms[k];
        weights += weight;
      }
      CHECK(value_of(average) == doctest::Approx(sum / weights).epsilon(1e-5));
    }
    CHECK(average.terms == 5);
  }
}

TEST_CASE("an equal average is the mean of its terms") {
  WeightAverage average;
  for (const double term : kTerms) add_equally(average, number(term));
  CHECK(value_of(average) == doctest::Approx(5.1 / 5).epsilon(1e-6));
}

TEST_CASE("a gradient beyond the limit is scaled to it as a whole, a shorter one keeps its bits") {
  const Network network = testing::network_of(
      "[[layers]]\ntype = \"linear\"\noutputs = 2\n[[layers]]\ntype = \"batch_norm\"\n[[layers]]\n"
      "type = \"linear\"\noutputs = 1",
      {1, 1, 1});
  ParameterSet<float> gradient = zero_parameters<float>(network);
  gradient[0][0].value(1, 0) = 3.0f;
  gradient[1][1].value(0, 0) = -4.0f;
  gradient[2][1].value(0, 0) = 12.0f;
  find(gradient[1], "running_mean")->fill(100.0f);  // what batch-norm observed is no gradient
  const ParameterSet<float> before = gradient;
  CHECK(clip_gradient(network, nullptr, 13.5, gradient) == doctest::Approx(13));
  CHECK(gradient == before);
  CHECK(clip_gradient(network, nullptr, 6.5, gradient) == doctest::Approx(13));
  CHECK(gradient[0][0].value(1, 0) == doctest::Approx(1.5));
  CHECK(gradient[1][1].value(0, 0) == doctest::Approx(-2));
  CHECK(gradient[2][1].value(0, 0) == doctest::Approx(6));
  CHECK((*find(gradient[1], "running_mean"))(0, 0) == 100.0f);
  gradient = before;
  const std::vector<bool> is_frozen{false, false, true};
  CHECK(clip_gradient(network, &is_frozen, 1, gradient) == doctest::Approx(5));
  CHECK(gradient[0][0].value(1, 0) == doctest::Approx(0.6));
  CHECK(gradient[2][1].value(0, 0) == 12.0f);
  gradient[0][0].value(0, 0) = std::nanf("");
  CHECK(std::isnan(clip_gradient(network, nullptr, 1, gradient)));
}

}  // namespace
}  // namespace ohmic::nn
