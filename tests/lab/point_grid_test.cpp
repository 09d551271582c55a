#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "lab/plots/svg_scale.h"
#include "lab/report/point_grid.h"
#include "lab/report/tradeoff.h"
#include "lab/results/comparison.h"

using namespace ohmic;
using namespace ohmic::lab;

TEST_CASE("averages are over the same points for every sample") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  PointGrid grid;
  grid.dimensions = {{.keys = {axis_of_numbers("a", {1, 2})}},
                     {.keys = {axis_of_numbers("b", {1, 2, 3})}}};
  grid.sample_axes = {axis_of_numbers("chip", {0, 1})};
  // Point (1, 2) has one chip only, (1, 3) none.
  grid.metrics = {{"accuracy", {1, 2, 3, nan, nan, nan, 7, 8, 9, 10, 11, 12}}};
  CHECK(averaged(grid, {0, {}}) == std::vector<double>{2});
  CHECK(averaged(grid, {{}, 0}) == std::vector<double>{4, 5});
  CHECK(averaged(grid, {{}, 2}) == std::vector<double>{11, 12});
  CHECK(averaged(grid, {0, 2}).empty());
  CHECK(grid.words(5) == "a 2, b 3");
  CHECK(grid.words(5, 0) == "b 3");
  for (std::size_t p = 0; p < grid.points(); ++p) CHECK(grid.point(grid.places(p)) == p);
}

TEST_CASE("a new training is never surer than the trainings that there are") {
  // Two trainings of equal means, whose chips differ.
  std::vector<double> values;
  for (int chip = 0; chip < 20; ++chip) values.push_back(0.5 + 0.01 * chip);
  for (int chip = 0; chip < 20; ++chip) values.push_back(0.5 + 0.01 * ((chip * 7) % 20));
  const TrainingIntervals i = training_intervals(values, 2, RandomStream(1), 0);
  CHECK(i.given.high - i.given.low > 0.01);
  CHECK(i.new_training.low <= i.given.low);
  CHECK(i.new_training.high >= i.given.high);
  CHECK(!training_intervals({0.5, 0.6}, 1, RandomStream(1), 0).new_training.is_known());
}

TEST_CASE("a front keeps what nothing beats") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tradeoff tradeoff;
  for (const auto& [name, overhead, accuracy] : {std::tuple{"equal", 0.0, 0.5},
                                                 {"first", 0.0, 0.6},
                                                 {"worse", 0.1, 0.6},
                                                 {"best", 0.2, 0.9},
                                                 {"unknown", 0.05, nan},
                                                 {"larger", 0.3, 0.9},
                                                 {"middle", 0.1, 0.7}})
    tradeoff.offers.push_back({name, overhead, 1 - overhead, accuracy, kUnknownInterval});
  const auto names = [&] {
    std::string all;
    for (const Offer& o : tradeoff.front()) all += o.name + " ";
    return all;
  };
  CHECK(names() == "first middle best ");
  tradeoff.overhead = &Offer::macs;
  CHECK(names() == "larger ");
}

TEST_CASE("a scale shows all its values between round ticks") {
  const std::vector<double> values{0.13, std::numeric_limits<double>::quiet_NaN(), 0.92};
  const Scale linear = scale_over(values, 100, 0);
  CHECK(linear.at(0.13) < 100);
  CHECK(linear.at(0.92) > 0);
  for (const double t : linear.ticks()) CHECK(std::fabs(t * 10 - std::round(t * 10)) < 1e-9);
  const std::vector<double> decades{0, 1, 1000};
  const Scale logarithmic = scale_over(decades, 0, 300, true);
  CHECK(logarithmic.ticks() == std::vector<double>{1, 10, 100, 1000});
  CHECK(logarithmic.at(10) - logarithmic.at(1) ==
        doctest::Approx(logarithmic.at(1000) - logarithmic.at(100)));
  CHECK(logarithmic.at(0) == 0);  // at the edge
  const std::vector<double> one{5, 5};
  CHECK(scale_over(one, 0, 1).at(5) == doctest::Approx(0.5));
}
