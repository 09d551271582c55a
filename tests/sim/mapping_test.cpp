#include "sim/mapping.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"

using namespace ohmic;
using namespace ohmic::sim;

TEST_CASE("an even partition differs by one row at most, the longer tiles first") {
  CHECK(partition(40, 16, {"equal", {}}, "fc") == std::vector<Range>{{0, 14}, {14, 27}, {27, 40}});
  CHECK(partition(32, 16, {"equal", {}}, "fc") == std::vector<Range>{{0, 16}, {16, 32}});
  CHECK(partition(40, 16, {"full", {}}, "fc") == std::vector<Range>{{0, 16}, {16, 32}, {32, 40}});
  CHECK(partition(40, 16, {"equal", {13, 13, 14}}, "fc") ==
        std::vector<Range>{{0, 13}, {13, 26}, {26, 40}});
  for (Index count = 1; count < 300; ++count)
    for (const Index most : {1, 7, 64}) {
      Index end = 0;
      for (const Range& r : partition(count, most, {"equal", {}}, "fc")) {
        CHECK(r.begin == end);
        CHECK(r.size() >= 1);
        CHECK(r.size() <= most);
        end = r.end;
      }
      CHECK(end == count);
    }
}

TEST_CASE("a listed partition that does not fit is refused with the layer's name") {
  CHECK_THROWS_WITH_AS(partition(40, 16, {"equal", {13, 13}}, "fc1"),
                       "layer fc1: array.row_partition sums to 26 rows, but the layer has 40",
                       ShapeError);
  CHECK_THROWS_WITH_AS(partition(40, 16, {"equal", {20, 20}}, "fc1"),
                       "layer fc1: array.row_partition has a tile of 20 rows, but array.rows = 16",
                       ShapeError);
}

TEST_CASE(
    "every mapping reads back exactly what it wrote, and levels move it by half a level at most") {
  for (const Mapping mapping :
       {Mapping::differential, Mapping::differential_two_sided, Mapping::offset})
    for (const std::optional<std::int64_t> levels :
         {std::optional<std::int64_t>(), std::optional<std::int64_t>(16)}) {
      const MappingRule rule(mapping, 1e-6, 40e-6, levels);
      for (double u = -1; u <= 1; u += 0.01) {
        const double back = rule.weight(rule.target(u));
        // One level of one device is 1/15 of the range; a two-sided pair moves in two of them at
        // once.
        const double half_level =
            levels ? (mapping == Mapping::differential ? 0.5 / 15 : 1.0 / 14) : 0;
        CHECK(std::fabs(back - u) <= half_level + 1e-12);
        CHECK(rule.weight(rule.exact(u)) == doctest::Approx(u).epsilon(1e-12));
      }
      CHECK(std::fabs(rule.weight(rule.target(0))) < 1e-12);
    }
}

TEST_CASE("one-sided pairs keep the idle device at g_min") {
  const MappingRule rule(Mapping::differential, 1e-6, 40e-6, std::nullopt);
  CHECK(rule.target(0.5).negative == 1e-6);
  CHECK(rule.target(-0.5).positive == 1e-6);
  CHECK(rule.target(1).positive == doctest::Approx(40e-6));
}

TEST_CASE("scales follow the layer, the tile or the column") {
  Matrix<float> w(4, 6);
  for (Index o = 0; o < 4; ++o)
    for (Index i = 0; i < 6; ++i) w(o, i) = static_cast<float>((o + 1) * (i < 3 ? 1 : 10));
  ArrayParams array;
  array.rows = 3;
  array.columns = 4;
  const auto scale = [&](ScaleOf of, Index tile, Index o) {
    array.scale = of;
    return make_tiling(array, w, "w").scale(tile, o);
  };
  CHECK(scale(ScaleOf::layer, 0, 0) == 40);
  CHECK(scale(ScaleOf::layer, 1, 3) == 40);
  CHECK(scale(ScaleOf::tile, 0, 0) == 2);
  CHECK(scale(ScaleOf::tile, 1, 0) == 20);
  CHECK(scale(ScaleOf::tile, 1, 3) == 40);
  CHECK(scale(ScaleOf::column, 0, 2) == 3);
  CHECK(scale(ScaleOf::column, 1, 2) == 30);
}

TEST_CASE(
    "the full scale of a percentile is that of |w|: the given fraction of weights lies within it") {
  // Nine of ten weights are positive, so quantiles of w and of |w| differ.
  Matrix<float> w(1, 100);
  for (Index i = 0; i < 100; ++i)
    w(0, i) = static_cast<float>(i % 10 == 0 ? -(i + 1) : i + 1) / 100;
  // Type 7: order statistics 0 .. 99 at shares 0 .. 1, |w| being .01 .. 1.
  CHECK(weight_limit(w, 0.9) == doctest::Approx(0.01 * (1 + 0.9 * 99)).epsilon(1e-6));
  CHECK(weight_limit(w, 0.5) == doctest::Approx(0.505).epsilon(1e-6));
  CHECK(weight_limit(w, 1.0) == 1.0);
}
