#include "nn/augmentation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "base/parallel.h"
#include "messages.h"
#include "nn/trainer.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

using ohmic::testing::first_line_of;
using testing::synthetic_data;

std::vector<float> changed(const ImageChange& change, const Shape& shape,
                           std::vector<float> image) {
  std::vector<float> spare(7, -1.0f);
  change_image(change, shape, image.data(), spare);
  return image;
}

/// Two channels of 3 x 4 pixels: 1 .. 12 and 21 .. 32.
const Shape kShape{2, 3, 4};
std::vector<float> counted() {
  std::vector<float> image(24);
  std::iota(image.begin(), image.begin() + 12, 1.0f);
  std::iota(image.begin() + 12, image.end(), 21.0f);
  return image;
}

TEST_CASE("an image is moved, mirrored and hidden in part, in this order, as computed by hand") {
  CHECK(changed({}, kShape, counted()) == counted());
  CHECK(changed({.down = 1, .right = -2}, kShape, counted()) ==
        std::vector<float>{0, 0, 0, 0, 3,  4,  0, 0, 7,  8,  0, 0,  //
                           0, 0, 0, 0, 23, 24, 0, 0, 27, 28, 0, 0});
  CHECK(changed({.down = -2, .right = 1}, kShape, counted()) ==
        std::vector<float>{0, 9,  10, 11, 0, 0, 0, 0, 0, 0, 0, 0,  //
                           0, 29, 30, 31, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(changed({.is_mirrored = true}, kShape, counted()) ==
        std::vector<float>{4,  3,  2,  1,  8,  7,  6,  5,  12, 11, 10, 9,  //
                           24, 23, 22, 21, 28, 27, 26, 25, 32, 31, 30, 29});
  CHECK(changed({.down = 1, .right = -2, .is_mirrored = true}, kShape, counted()) ==
        std::vector<float>{0, 0, 0, 0, 0, 0, 4,  3,  0, 0, 8,  7,  //
                           0, 0, 0, 0, 0, 0, 24, 23, 0, 0, 28, 27});
  CHECK(changed({.is_mirrored = true, .hidden = 2, .hidden_row = -1, .hidden_column = 3}, kShape,
                counted()) == std::vector<float>{4,  3,  2,  0, 8,  7,  6,  5,  12, 11, 10, 9,  //
                                                 24, 23, 22, 0, 28, 27, 26, 25, 32, 31, 30, 29});
  CHECK(changed({.hidden = 2, .hidden_row = 1, .hidden_column = 1}, kShape, counted()) ==
        std::vector<float>{1,  2,  3,  4,  5,  0, 0, 8,  9,  0, 0, 12,  //
                           21, 22, 23, 24, 25, 0, 0, 28, 29, 0, 0, 32});
}

TEST_CASE("turns by 90 and 180 degrees are exact, others bilinear") {
  for (const Index side : {4, 5}) {
    const Shape shape{2, side, side};
    std::vector<float> image(static_cast<std::size_t>(shape.features()));
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = std::sin(static_cast<float>(3 * i));
    const auto pixel = [&](Index channel, Index row, Index column) {
      return image[static_cast<std::size_t>((channel * side + row) * side + column)];
    };
    std::vector<float> quarter, half;  // counter-clockwise
    for (Index c = 0; c < 2; ++c)
      for (Index row = 0; row < side; ++row)
        for (Index column = 0; column < side; ++column) {
          quarter.push_back(pixel(c, column, side - 1 - row));
          half.push_back(pixel(c, side - 1 - row, side - 1 - column));
        }
    CHECK(changed({.degrees = 90}, shape, image) == quarter);
    CHECK(changed({.degrees = 180}, shape, image) == half);
    CHECK(changed({.degrees = -90}, shape, changed({.degrees = 90}, shape, image)) == image);
  }
  // Against the same in double, from the definition.
  const Shape shape{1, 6, 9};
  std::vector<float> image(54);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = std::cos(static_cast<float>(i * i));
  for (const double degrees : {0.5, 33.0, -121.0}) {
    const std::vector<float> turned = changed({.degrees = degrees}, shape, image);
    const double angle = degrees * std::numbers::pi / 180;
    double worst = 0;
    for (int row = 0; row < 6; ++row)
      for (int column = 0; column < 9; ++column) {
        const double dx = column - 4, dy = row - 2.5;
        const double x = 4 + dx * std::cos(angle) - dy * std::sin(angle);
        const double y = 2.5 + dx * std::sin(angle) + dy * std::cos(angle);
        double sum = 0;
        for (int r = 0; r < 6; ++r)
          for (int c = 0; c < 9; ++c)
            sum += std::fmax(0, 1 - std::abs(x - c)) * std::fmax(0, 1 - std::abs(y - r)) *
                   static_cast<double>(image[static_cast<std::size_t>(9 * r + c)]);
        worst = std::fmax(worst,
                          std::abs(sum - static_cast<double>(
                                             turned[static_cast<std::size_t>(9 * row + column)])));
      }
    constexpr double kFixedPoint = 1e-4;  // weights of 16 binary places, four of them
    CHECK(worst < kFixedPoint);
  }
}

/// Whether `counts` are those of `draws` equally likely outcomes, each within 5 sigma.
void check_uniform(const std::vector<Index>& counts, Index draws) {
  const double p = 1 / static_cast<double>(counts.size()), n = static_cast<double>(draws);
  for (const Index count : counts)
    CHECK(std::abs(static_cast<double>(count) - n * p) < 5 * std::sqrt(n * p * (1 - p)));
}

TEST_CASE("shifts, mirrors, squares and angles are uniform over images and over epochs") {
  // 2 x (49 + 2 + 30 + 8) counts at 5 sigma: wrong once in 10,000 seeds.
  const AugmentationParams params{
      .flip = true, .crop_pixels = 3, .cutout_pixels = 4, .rotation_degrees = 20};
  const Shape shape{1, 5, 6};
  const RandomStream stream(7);
  constexpr Index kDraws = 40'000;
  for (const bool over_epochs : {false, true}) {
    std::vector<Index> shifts(49), mirrors(2), squares(30), angles(8);
    for (Index i = 0; i < kDraws; ++i) {
      const ImageChange c =
          drawn_change(params, shape, stream, over_epochs ? static_cast<std::uint64_t>(i) : 2,
                       over_epochs ? 11 : i);
      REQUIRE(std::abs(c.degrees) < 20);
      ++shifts.at(static_cast<std::size_t>(7 * (c.down + 3) + c.right + 3));
      ++mirrors[c.is_mirrored];
      ++squares.at(static_cast<std::size_t>(6 * (c.hidden_row + 2) + c.hidden_column + 2));
      ++angles.at(static_cast<std::size_t>((c.degrees + 20) / 5));
    }
    check_uniform(shifts, kDraws);
    check_uniform(mirrors, kDraws);
    check_uniform(squares, kDraws);
    check_uniform(angles, kDraws);
  }
}

TEST_CASE("an operation draws the same beside any others, and only what it is asked for") {
  const Shape shape{1, 8, 8};
  const RandomStream stream(3);
  const AugmentationParams all{
      .flip = true, .crop_pixels = 2, .cutout_pixels = 3, .rotation_degrees = 10};
  for (Index sample = 0; sample < 20; ++sample) {
    const ImageChange every = drawn_change(all, shape, stream, 5, sample);
    const auto alone = [&](const AugmentationParams& p) {
      return drawn_change(p, shape, stream, 5, sample);
    };
    const ImageChange flip = alone({.flip = true}), crop = alone({.crop_pixels = 2}),
                      cutout = alone({.cutout_pixels = 3}), turn = alone({.rotation_degrees = 10});
    CHECK(flip.is_mirrored == every.is_mirrored);
    CHECK(crop.down == every.down);
    CHECK(crop.right == every.right);
    CHECK(cutout.hidden_row == every.hidden_row);
    CHECK(cutout.hidden_column == every.hidden_column);
    CHECK(turn.degrees == every.degrees);
    CHECK_FALSE(crop.is_mirrored);
    CHECK(flip.hidden == 0);
  }
}

TEST_CASE("lanes hold the same augmented images in any order and group of them") {
  const Data data = synthetic_data(150, {3, 7, 6});
  const AugmentationParams params{
      .flip = true, .crop_pixels = 2, .cutout_pixels = 3, .rotation_degrees = 15};
  const RandomStream stream(1);
  const Index features = data.shape().features();
  const auto filled = [&](const std::vector<Index>& places) {
    Matrix<float> x(features, kLanes, 5.0f);
    std::vector<Label> labels(places.size());
    fill_augmented_lanes(data.train, data.normalisation, params, stream, 4, places, x, labels);
    for (std::size_t i = 0; i < places.size(); ++i) CHECK(labels[i] == data.train.label(places[i]));
    return x;
  };
  std::vector<Index> places(64);
  for (Index i = 0; i < 64; ++i) places[static_cast<std::size_t>(i)] = (37 * i + 5) % 150;
  const Matrix<float> together = filled(places);
  for (const Index lane : {0, 15, 16, 40, 63}) {
    const Index place = places[static_cast<std::size_t>(lane)];
    const Matrix<float> alone = filled({3, place});
    std::vector<float> image(static_cast<std::size_t>(features)), spare;
    read_inputs<float>(data.train, data.normalisation, {&place, 1}, image.data());
    change_image(drawn_change(params, data.shape(), stream, 4, place), data.shape(), image.data(),
                 spare);
    for (Index f = 0; f < features; ++f) {
      CHECK(together(f, lane) == alone(f, 1));
      CHECK(together(f, lane) == image[static_cast<std::size_t>(f)]);
      CHECK(alone(f, 2) == 0);
    }
  }
}

/// The training images as bytes, mirrored as `epoch` says.
Data mirrored(const Data& data, const RandomStream& stream, std::uint64_t epoch) {
  auto set = std::make_shared<Dataset>(*data.train.set);
  const Shape& shape = set->shape;
  for (Index i = 0; i < set->size(); ++i) {
    if (!drawn_change({.flip = true}, shape, stream, epoch, i).is_mirrored) continue;
    const auto image = set->pixels.begin() + i * shape.features();
    for (Index row = 0; row < shape.channels * shape.height; ++row)
      std::reverse(image + row * shape.width, image + (row + 1) * shape.width);
  }
  Data out = data;
  out.train.set = set;
  return out;
}

TEST_CASE("training with flips has the bits of training on flipped images, for any threads") {
  Data data = synthetic_data(150);
  data.validation = {};
  const Network network = testing::small_network();
  TrainingParams params;
  params.schedule = ScheduleKind::constant;
  params.batch = 70;
  params.epochs = 2;
  const TrainingHooks hooks{.quiet = true};
  const TrainingState start = initial_training_state(network, params);
  const RandomStream stream(static_cast<std::uint64_t>(params.seed));
  // By hand, epoch after epoch.
  TrainingParams by_hand = params;
  by_hand.epochs = 1;
  TrainingState expected = train(network, mirrored(data, stream, 0), by_hand, start, hooks);
  expected = train(network, mirrored(data, stream, 1), params, expected, hooks);
  const TrainingState plain = train(network, data, params, start, hooks);
  CHECK(plain.parameters != expected.parameters);
  params.augmentation.flip = true;
  const int before = threads();
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    CHECK(train(network, data, params, start, hooks).parameters == expected.parameters);
  }
  set_threads(before);
}

TEST_CASE("what would leave nothing of an image is refused") {
  const Shape shape{1, 28, 30};
  CHECK_NOTHROW(check_augmentation({}, {5, 1, 1}));
  CHECK_NOTHROW(check_augmentation({.crop_pixels = 27, .cutout_pixels = 27}, shape));
  CHECK(first_line_of<ConfigError>([&] { check_augmentation({.crop_pixels = 28}, shape); }) ==
        "training.augment_crop_pixels = 28 moves images of 28 x 30 pixels out of sight");
  CHECK(first_line_of<ConfigError>([&] { check_augmentation({.cutout_pixels = 40}, shape); }) ==
        "training.augment_cutout_pixels = 40 hides images of 28 x 30 pixels whole");
}

}  // namespace
}  // namespace ohmic::nn
