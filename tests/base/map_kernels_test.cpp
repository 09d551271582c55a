#include <doctest/doctest.h>

#include <cmath>
#include <string_view>
#include <vector>

#include "kernel_levels.h"

/// The loops of large convolutions against the plain reference.
namespace ohmic {
namespace {

using Extent = std::ptrdiff_t;
using testing::of;
using testing::present_levels;

template <class T>
std::vector<T> wave(Extent n, double step) {
  std::vector<T> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<T>(std::sin(step * static_cast<double>(i + 1)));
  return v;
}

/// Bit for bit where the level fuses, else within `bound`.
template <class T>
void check_equal(const std::vector<T>& found, const std::vector<T>& judge, bool exact,
                 double bound) {
  REQUIRE(found.size() == judge.size());
  double worst = 0;
  bool same = true;
  for (std::size_t i = 0; i < found.size(); ++i) {
    same = same && found[i] == judge[i];
    worst =
        std::max(worst, std::fabs(static_cast<double>(found[i]) - static_cast<double>(judge[i])));
  }
  if (exact) CHECK(same);
  CHECK(worst <= bound);
}

template <class T>
constexpr double kEpsilon = std::numeric_limits<T>::epsilon();

template <class T>
void check_panels(const Kernels& level, bool exact) {
  const KernelsOf<T>&own = of<T>(level), &reference = of<T>(reference_kernels());
  const std::int32_t taps[] = {4, 0, 7}, pixels[] = {5, 0, 3};
  for (const Extent outputs : {1, 5, 6, 17})
    for (const Extent channels : {1, 3, 8}) {
      CAPTURE(outputs);
      CAPTURE(channels);
      const std::vector<T> x = wave<T>(channels * 6 * kLanes, 0.3);
      std::vector<T> panel(static_cast<std::size_t>(3 * channels * kLanes)), panel_judge = panel;
      own.panel_gather(3, pixels, channels, x.data(), 6 * kLanes, panel.data());
      reference.panel_gather(3, pixels, channels, x.data(), 6 * kLanes, panel_judge.data());
      check_equal(panel, panel_judge, true, 0);

      const Extent a_step = 9, a_stride = channels * a_step + 2;
      const std::vector<T> a = wave<T>(outputs * a_stride + 9, 0.7);
      std::vector<T> y = wave<T>(outputs * kLanes, 0.9), judge = y;
      for (const bool adds : {true, false}) {
        own.panel_product(outputs, 3, taps, channels, a.data(), a_stride, a_step, panel.data(),
                          y.data(), kLanes, adds);
        reference.panel_product(outputs, 3, taps, channels, a.data(), a_stride, a_step,
                                panel.data(), judge.data(), kLanes, adds);
        check_equal(y, judge, exact, 100 * kEpsilon<T> * static_cast<double>(channels));
      }

      const std::vector<T> other = wave<T>(3 * channels * kLanes, 0.21);
      const T* panels[] = {panel.data(), other.data()};
      for (const Extent tile : {kSlopeTile<T>, kSlopeTile<T> / 2}) {
        const std::vector<T> dy = wave<T>(2 * tile * kLanes, 0.11);
        std::vector<T> slopes(static_cast<std::size_t>(2 * tile * kLanes)), slopes_judge = slopes;
        for (Extent pair = 0; pair < 2; ++pair) {
          const Extent count = std::min(tile, outputs);
          own.slope_transpose(tile, count, dy.data() + pair * kLanes, 2 * kLanes,
                              slopes.data() + pair * tile * kLanes);
          reference.slope_transpose(tile, count, dy.data() + pair * kLanes, 2 * kLanes,
                                    slopes_judge.data() + pair * tile * kLanes);
        }
        check_equal(slopes, slopes_judge, true, 0);
        std::vector<T> dw = wave<T>(3 * channels * tile, 0.5), dw_judge = dw;
        own.panel_gradient(tile, 3 * channels, 2, slopes.data(), panels, dw.data(), tile);
        reference.panel_gradient(tile, 3 * channels, 2, slopes.data(), panels, dw_judge.data(),
                                 tile);
        check_equal(dw, dw_judge, exact, 1e4 * kEpsilon<T>);
      }
    }
}

template <class T>
void check_winograd(const Kernels& level) {
  const KernelsOf<T>&own = of<T>(level), &reference = of<T>(reference_kernels());
  const std::vector<T> x = wave<T>(6 * 7 * kLanes, 0.3);
  for (const int first : {-3, 0, 1, 2})
    for (const int last : {3, 6, 9}) {
      std::vector<T> v(36 * kLanes), judge = v;
      own.winograd_input(x.data(), 7 * kLanes, first, last, last - 2 > first ? first : 0, last,
                         v.data(), kLanes);
      reference.winograd_input(x.data(), 7 * kLanes, first, last, last - 2 > first ? first : 0,
                               last, judge.data(), kLanes);
      // Sums of up to 36 numbers with factors up to 25.
      check_equal(v, judge, false, 400 * kEpsilon<T>);
      std::vector<T> y(4 * 5 * kLanes), y_judge = y;
      own.winograd_output(v.data(), kLanes, T(0.25), last > 4 ? 4 : last, 3, y.data(), 5 * kLanes);
      reference.winograd_output(v.data(), kLanes, T(0.25), last > 4 ? 4 : last, 3, y_judge.data(),
                                5 * kLanes);
      check_equal(y, y_judge, false, 1e5 * kEpsilon<T>);
    }
  for (const bool is_flipped : {false, true})
    for (const Extent channels : {1, 16, 19}) {
      const std::vector<T> w = wave<T>(channels * 11, 0.7);
      std::vector<T> u(static_cast<std::size_t>(36 * (channels + 1)), T(7)), judge = u;
      own.winograd_weights(channels, w.data(), 11, is_flipped, u.data(), channels + 1);
      reference.winograd_weights(channels, w.data(), 11, is_flipped, judge.data(), channels + 1);
      check_equal(u, judge, false, 10 * kEpsilon<T>);
    }
  for (const Extent count : {16, 48}) {
    const std::vector<T> dy = wave<T>(16 * count, 0.31);
    std::vector<T> d(static_cast<std::size_t>(36 * (count + 2)), T(7)), judge = d;
    own.winograd_slopes(count, dy.data(), d.data(), count + 2);
    reference.winograd_slopes(count, dy.data(), judge.data(), count + 2);
    // Sums of 16 numbers with factors up to 64.
    check_equal(d, judge, false, 400 * kEpsilon<T>);
    const std::vector<T> du = wave<T>(36 * count, 0.17);
    std::vector<T> dw(static_cast<std::size_t>(9 * count)), dw_judge = dw;
    own.winograd_gradient(count, du.data(), dw.data());
    reference.winograd_gradient(count, du.data(), dw_judge.data());
    check_equal(dw, dw_judge, false, 10 * kEpsilon<T>);
  }
}

template <class T>
std::vector<T> winograd_bits() {
  const std::vector<T> x = wave<T>(36 * kLanes, 0.37), w = wave<T>(16 * 9, 0.7);
  std::vector<T> v(36 * kLanes), y(16 * kLanes), u(36 * 16), d(36 * kLanes), dw(9 * kLanes);
  of<T>(kernels()).winograd_input(x.data(), 6 * kLanes, 0, 6, 1, 6, v.data(), kLanes);
  of<T>(kernels()).winograd_output(v.data(), kLanes, T(0.3), 4, 4, y.data(), 4 * kLanes);
  of<T>(kernels()).winograd_weights(16, w.data(), 9, false, u.data(), 16);
  of<T>(kernels()).winograd_slopes(kLanes, x.data(), d.data(), kLanes);
  of<T>(kernels()).winograd_gradient(kLanes, x.data(), dw.data());
  for (const auto* more : {&y, &u, &d, &dw}) v.insert(v.end(), more->begin(), more->end());
  return v;
}

}  // namespace

TEST_CASE("panel products and gradients of every level equal the plain reference") {
  const std::string level(kernels().level);
  for (const std::string_view name : present_levels()) {
    CAPTURE(name);
    choose_kernels(name);
    const bool fuses = name == "v3" || name == "v4";
    check_panels<float>(kernels(), fuses);
    check_panels<double>(kernels(), fuses);
  }
  choose_kernels(level);
}

TEST_CASE("Winograd transforms equal products with their matrices, and no level changes a bit") {
  const std::string level(kernels().level);
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<double>> doubles;
  for (const std::string_view name : present_levels()) {
    CAPTURE(name);
    choose_kernels(name);
    check_winograd<float>(kernels());
    check_winograd<double>(kernels());
    floats.push_back(winograd_bits<float>());
    doubles.push_back(winograd_bits<double>());
    CHECK(floats.back() == floats.front());
    CHECK(doubles.back() == doubles.front());
  }
  choose_kernels(level);
}

}  // namespace ohmic
