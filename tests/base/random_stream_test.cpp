#include "base/random_stream.h"

#include <doctest/doctest.h>

#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <vector>

#include "base/kernels.h"

using namespace ohmic;

TEST_CASE("Philox4x32-10 equals the known answers that Random123 publishes") {
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("normal numbers have the moments and tails of the standard normal distribution") {
  // 4 million draws; every bound is 5 standard errors: false alarm below 6e-7 each.
  const RandomStream stream(7);
  constexpr int kRows = 40;
  constexpr std::size_t kColumns = 100000;
  double n = 0, sum = 0, square = 0, cube = 0, fourth = 0, beyond_three = 0;
  std::vector<float> z(kColumns);
  for (std::uint64_t row = 0; row < kRows; ++row) {
    stream.normals(device_address(Purpose::cycle, {.row = row}), 0, z);
    for (const double v : z) {
      n += 1, sum += v, square += v * v, cube += v * v * v, fourth += v * v * v * v;
      beyond_three += std::fabs(v) > 3;
    }
  }
  CHECK(std::fabs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::fabs(square / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::fabs(cube / n) < 5 * std::sqrt(15 / n));
  CHECK(std::fabs(fourth / n - 3) < 5 * std::sqrt(96 / n));
  const double expected = std::erfc(3 / std::sqrt(2.0));
  CHECK(std::fabs(beyond_three / n - expected) < 5 * std::sqrt(expected / n));
}

TEST_CASE("normals of the four lanes and of neighbouring rows are uncorrelated") {
  const RandomStream stream(11);
  constexpr std::size_t n = 200000;
  std::vector<float> a(n), b(n);
  stream.normals(device_address(Purpose::cycle, {.row = 1}), 0, a);
  stream.normals(device_address(Purpose::cycle, {.row = 2}), 0, b);
  for (std::size_t lag = 1; lag <= 4; ++lag) {
    double within = 0;
    for (std::size_t i = 0; i + lag < n; ++i) within += static_cast<double>(a[i]) * a[i + lag];
    CHECK(std::fabs(within / n) < 5 / std::sqrt(double(n)));
  }
  double across = 0;
  for (std::size_t i = 0; i < n; ++i) across += static_cast<double>(a[i]) * b[i];
  CHECK(std::fabs(across / n) < 5 / std::sqrt(double(n)));
}

TEST_CASE("the normals of 64 samples are those that each sample's own address holds") {
  const RandomStream stream(3);
  const LumpedReadDraw draw{.chip = 4, .layer = 2, .row_tile = 1, .sample = 1000, .patch = 17};
  std::vector<float> lanes(4 * kLanes), one(4);
  stream.sample_normals(lumped_read_address(draw), 5, lanes.data());
  for (std::uint64_t lane = 0; lane < kLanes; ++lane) {
    LumpedReadDraw at = draw;
    at.sample += lane;
    stream.normals(lumped_read_address(at), 20, one);
    for (std::size_t c = 0; c < 4; ++c) CHECK(lanes[c * kLanes + lane] == one[c]);
  }
}

TEST_CASE(
    "a generator at an address yields the words of that row, and serves Boost's distributions") {
  const RandomStream stream(5);
  const Address row = order_address({.epoch = 3});
  std::vector<std::uint32_t> words(10);
  stream.words(row, 0, words);
  AddressedGenerator generator(stream, row);
  for (const std::uint32_t word : words) CHECK(generator() == word);
  boost::random::uniform_int_distribution<int> die(1, 6);
  AddressedGenerator again(stream, row);
  double sum = 0;
  constexpr int kThrows = 60000;
  for (int i = 0; i < kThrows; ++i) sum += die(again);
  CHECK(std::fabs(sum / kThrows - 3.5) < 5 * std::sqrt(35.0 / 12 / kThrows));
}

TEST_CASE("uniform numbers lie inside (0, 1) and follow the words") {
  const RandomStream stream(5);
  const Address row = device_address(Purpose::fault, {.chip = 1});
  std::vector<std::uint32_t> words(9);
  std::vector<double> u(9);
  stream.words(row, 3, words);
  stream.uniforms(row, 3, u);
  for (std::size_t i = 0; i < u.size(); ++i) {
    CHECK(u[i] == (words[i] + 0.5) / 4294967296.0);
    CHECK((u[i] > 0 && u[i] < 1));
  }
}

TEST_CASE("forty million normals have a normal's tails and moments") {
  // Poisson interval at 5 sigma for the count beyond 4 (false alarm below 6e-7), moments at 5
  // standard errors: deviation of the mean 1, of the variance sqrt 2, of the third moment sqrt 15.
  const RandomStream stream(20);
  constexpr std::size_t kRow = 1000000;
  std::vector<float> z(kRow);
  double first = 0, second = 0, third = 0, beyond = 0;
  constexpr int kRows = 40;
  for (int row = 0; row < kRows; ++row) {
    stream.normals(device_address(Purpose::cycle, {.row = static_cast<std::uint64_t>(row)}), 0, z);
    for (const float value : z) {
      const double x = value;
      first += x;
      second += x * x;
      third += x * x * x;
      beyond += std::fabs(x) > 4;
    }
  }
  const double n = kRows * static_cast<double>(kRow), root = std::sqrt(n);
  const double expected = n * std::erfc(4 / std::sqrt(2.0));
  CHECK(std::fabs(beyond - expected) <= 5 * std::sqrt(expected));
  CHECK(std::fabs(first / n) <= 5 / root);
  CHECK(std::fabs(second / n - 1) <= 5 * std::sqrt(2.0) / root);
  CHECK(std::fabs(third / n) <= 5 * std::sqrt(15.0) / root);
}
