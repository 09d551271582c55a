#include "base/kernels.h"

#include "base/elementary.h"

#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/random_stream.h"
#include "kernel_levels.h"

using namespace ohmic;
using ohmic::testing::of;
using ohmic::testing::present_levels;

namespace {

template <class T>
std::vector<T> wave(std::size_t n, double step) {
  std::vector<T> v(n);
  for (std::size_t i = 0; i < n; ++i)
    v[i] = static_cast<T>(std::sin(step * static_cast<double>(i + 1)));
  return v;
}

struct Problem {
  std::ptrdiff_t outputs, rows, positions;
};

template <class T>
void check_products(const Kernels& level, const Problem& p, bool exact) {
  const auto a = wave<T>(static_cast<std::size_t>(p.outputs * (p.rows + 3)), 0.7);
  const auto x = wave<T>(static_cast<std::size_t>((p.rows + p.positions) * kLanes), 0.3);
  std::vector<std::int32_t> row_offset, position_offset;
  for (std::ptrdiff_t r = 0; r < p.rows; ++r)
    row_offset.push_back(static_cast<std::int32_t>((p.rows - 1 - r) * kLanes));
  for (std::ptrdiff_t i = 0; i < p.positions; ++i)
    position_offset.push_back(static_cast<std::int32_t>(i * kLanes));
  const auto n = static_cast<std::size_t>(p.outputs * kLanes);
  std::vector<T> y(n), judge(n);
  of<T>(level).lane_product(p.outputs, p.rows, a.data(), p.rows + 3, x.data(), row_offset.data(),
                            y.data(), kLanes);
  of<T>(reference_kernels())
      .lane_product(p.outputs, p.rows, a.data(), p.rows + 3, x.data(), row_offset.data(),
                    judge.data(), kLanes);
  // Every partial sum is below rows; rounding moves it by at most rows * eps * rows.
  const double bound =
      4.0 * static_cast<double>(p.rows * p.rows) * std::numeric_limits<T>::epsilon();
  for (std::size_t i = 0; i < n; ++i) {
    if (exact) CHECK(y[i] == judge[i]);
    CHECK(std::fabs(static_cast<double>(y[i]) - static_cast<double>(judge[i])) <= bound);
  }
  // An independent reference: Eigen, in double.
  for (std::ptrdiff_t o = 0; o < p.outputs; ++o) {
    Eigen::VectorXd weights(p.rows), inputs(p.rows);
    for (std::ptrdiff_t r = 0; r < p.rows; ++r) {
      weights[r] = static_cast<double>(a[static_cast<std::size_t>(o * (p.rows + 3) + r)]);
      inputs[r] = static_cast<double>(
          x[static_cast<std::size_t>(row_offset[static_cast<std::size_t>(r)] + 5)]);
    }
    CHECK(std::fabs(weights.dot(inputs) -
                    static_cast<double>(y[static_cast<std::size_t>(o * kLanes + 5)])) <= bound);
  }

  const auto dy = wave<T>(static_cast<std::size_t>(p.outputs * p.positions * kLanes), 0.11);
  std::vector<T> dw(static_cast<std::size_t>(p.outputs * p.rows), T(1)), dw_judge = dw;
  of<T>(level).lane_gradient(p.outputs, p.rows, p.positions, dy.data(), p.positions * kLanes,
                             x.data(), row_offset.data(), position_offset.data(), dw.data(),
                             p.rows);
  of<T>(reference_kernels())
      .lane_gradient(p.outputs, p.rows, p.positions, dy.data(), p.positions * kLanes, x.data(),
                     row_offset.data(), position_offset.data(), dw_judge.data(), p.rows);
  const double terms = static_cast<double>(p.positions * kLanes);
  for (std::size_t i = 0; i < dw.size(); ++i) {
    if (exact) CHECK(dw[i] == dw_judge[i]);
    CHECK(std::fabs(static_cast<double>(dw[i] - dw_judge[i])) <=
          4 * terms * terms * std::numeric_limits<T>::epsilon());
  }
}

}  // namespace

TEST_CASE(
    "products and gradients of every level equal the plain reference, bit for bit where the level "
    "fuses") {
  for (const std::string_view level : present_levels()) {
    CAPTURE(level);
    choose_kernels(level);
    const bool fuses = level == "v3" || level == "v4";
    for (const Problem p : {Problem{1, 1, 1},
                            {2, 3, 4},
                            {5, 7, 1},
                            {6, 25, 9},
                            {7, 26, 2},
                            {16, 150, 3},
                            {13, 17, 5}}) {
      check_products<float>(kernels(), p, fuses);
      check_products<double>(kernels(), p, fuses);
    }
  }
}

TEST_CASE(
    "quantising in every level equals the plain reference for any length, ties and values beyond "
    "the range included") {
  std::vector<float> x{0.f,    -0.f,   .5f,     1.5f,  2.5f,   -.5f,  -1.5f,     127.4f,
                       127.5f, 127.6f, -127.5f, 300.f, -300.f, 1e30f, .49999997f};
  for (const float v : wave<float>(200, 0.37)) x.push_back(200 * v);
  for (const CodeRange<float> range :
       {CodeRange<float>{1, -127, 127, 0}, {2, -128, 127, 0.5f}, {.25f, 0, 255, 0}})
    for (const std::string_view level : present_levels()) {
      choose_kernels(level);
      for (std::size_t n : {x.size(), std::size_t{1}, std::size_t{17}}) {
        std::vector<float> codes(n), judge(n), sum(n, 3.f), sum_judge(n, 3.f);
        const auto count = static_cast<std::ptrdiff_t>(n);
        CHECK(kernels().f32.quantise(count, x.data(), range, codes.data()) ==
              reference_kernels().f32.quantise(count, x.data(), range, judge.data()));
        CHECK(kernels().f32.quantise_accumulate(count, x.data(), range, .3f, sum.data()) ==
              reference_kernels().f32.quantise_accumulate(count, x.data(), range, .3f,
                                                          sum_judge.data()));
        CHECK(codes == judge);
        CHECK(sum == sum_judge);
      }
    }
}

/// Whether two runs of normals are the same: bit for bit where the level has fused operations, else
/// within the rounding of the polynomials (some 10 operations on numbers below 7).
bool same_normals(std::string_view level, const std::vector<float>& z,
                  const std::vector<float>& judge) {
  if (level == "v3" || level == "v4")
    return std::memcmp(z.data(), judge.data(), z.size() * sizeof(float)) == 0;
  for (std::size_t i = 0; i < z.size(); ++i)
    if (!(std::fabs(z[i] - judge[i]) <= 5e-6f)) return false;
  return true;
}

TEST_CASE("normals of every level equal the scalar reference, wherever a span starts") {
  const std::uint32_t counter[4] = {0, 77, 5, 2u << 26}, key[2] = {123, 456};
  for (const std::string_view level : present_levels()) {
    choose_kernels(level);
    for (const std::uint64_t first : {0u, 1u, 2u, 3u, 4u, 61u, 64u, 1000u})
      for (const std::size_t n : {1u, 3u, 64u, 1001u}) {
        std::vector<float> z(n), judge(n);
        kernels().normals(counter, key, first, n, z.data());
        reference_kernels().normals(counter, key, first, n, judge.data());
        CHECK(same_normals(level, z, judge));
      }
    std::vector<float> z(4 * kLanes), judge(4 * kLanes);
    kernels().lane_normals(counter, 1, key, z.data());
    reference_kernels().lane_normals(counter, 1, key, judge.data());
    CHECK(same_normals(level, z, judge));
  }
}

TEST_CASE("normals are Box and Muller's of their words") {
  // From Philox's own words, in the C library's double precision.
  const std::uint32_t key[2] = {9, 8};
  double worst = 0;
  for (std::uint32_t row = 0; row < 50'000; ++row) {
    const std::uint32_t counter[4] = {0, row, 3, 1u << 26};
    float z[4];
    reference_kernels().normals(counter, key, 0, 4, z);
    const auto words = philox({0, row, 3, 1u << 26}, {9, 8});
    for (std::size_t pair = 0; pair < 2; ++pair) {
      const double radius = std::sqrt(-2 * std::log((words[2 * pair] + 0.5) * 0x1p-32));
      const double angle = 0x1p-32 * words[2 * pair + 1];
      const double half_turn = angle >= 0.5 ? 0.5 : 0.0;
      double x = 2 * (angle - half_turn);  // in half turns, [0, 1)
      const double sign = (half_turn > 0 ? -1 : 1);
      if (x >= 0.5) x -= 1;  // the quarter turn below 0
      // u is rounded to 2^-25 below 1, and the radius's slope there is 1 / radius.
      const double bound = 0x1p-25 / radius + 4 * 0x1p-24 * radius;
      const double at_cos = z[2 * pair] - sign * radius * std::cos(M_PI * x),
                   at_sin = z[2 * pair + 1] - sign * radius * std::sin(M_PI * x);
      worst = std::max({worst, std::fabs(at_cos) / bound, std::fabs(at_sin) / bound});
    }
  }
  CHECK(worst < 1);
}

TEST_CASE("square sums, roots and products of every level equal the plain reference") {
  const auto x = wave<float>(40 * kLanes, 0.21);
  std::vector<std::int32_t> row_offset;
  for (int r = 0; r < 40; ++r)
    row_offset.push_back(static_cast<std::int32_t>(((r * 7) % 40) * kLanes));
  for (const std::string_view level : present_levels()) {
    choose_kernels(level);
    const Kernels& k = kernels();
    std::vector<float> sum(kLanes), judge(kLanes);
    k.lane_square_sum(40, x.data(), row_offset.data(), sum.data());
    reference_kernels().lane_square_sum(40, x.data(), row_offset.data(), judge.data());
    for (std::size_t i = 0; i < sum.size(); ++i)
      CHECK(sum[i] == doctest::Approx(judge[i]).epsilon(1e-5));
    std::vector<float> root(kLanes), y(kLanes, 1.f), y_judge(kLanes, 1.f);
    k.square_root(kLanes, judge.data(), root.data());
    for (std::size_t i = 0; i < root.size(); ++i) CHECK(root[i] == std::sqrt(judge[i]));
    k.multiply_accumulate(kLanes, root.data(), x.data(), y.data());
    reference_kernels().multiply_accumulate(kLanes, root.data(), x.data(), y_judge.data());
    CHECK(y == y_judge);
  }
}

TEST_CASE(
    "exponential factors of every level are elementary::exp, rounded once to single precision") {
  const auto x = wave<float>(1003, 0.21), za = wave<float>(1003, 0.37),
             zb = wave<float>(1003, 0.13);
  for (const std::string_view level : present_levels()) {
    choose_kernels(level);
    for (const std::ptrdiff_t n : {1, 7, 64, 1003})
      for (const double scale : {0.0, 0.5, 3.0, 600.0})
        for (const float* second : {static_cast<const float*>(nullptr), zb.data()}) {
          std::vector<float> out(static_cast<std::size_t>(n), -1.0f);
          kernels().multiply_exponential(n, x.data(), scale, za.data(), 0.7, second, -0.1,
                                         out.data());
          for (std::size_t i = 0; i < out.size(); ++i) {
            const double exponent = scale * za[i] + (second ? 0.7 * second[i] : 0.0) - 0.1;
            // 2^-24 from the one rounding, 3e-13 from the series and the exponent's reduction.
            const double exact = x[i] * elementary::exp(exponent);
            const bool close = std::fabs(out[i] - exact) <= std::fabs(exact) * (0x1p-24 + 1e-12);
            REQUIRE((close || out[i] == static_cast<float>(exact)));  // beyond a float's range
          }
          std::vector<float> judge(out.size());
          reference_kernels().multiply_exponential(n, x.data(), scale, za.data(), 0.7, second, -0.1,
                                                   judge.data());
          if (level == "v3" || level == "v4")
            REQUIRE(std::memcmp(out.data(), judge.data(), out.size() * sizeof(float)) == 0);
        }
  }
}

TEST_CASE("a level that does not exist is refused by name") {
  CHECK_THROWS_WITH_AS(choose_kernels("v9"), doctest::Contains("--isa v9: no such level"),
                       ConfigError);
}
