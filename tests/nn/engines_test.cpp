#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "base/parallel.h"
#include "nn/layer.h"
#include "nn/panel_product.h"
#include "nn/window_product.h"
#include "nn/winograd_gradient.h"
#include "nn/winograd_product.h"

/// Every engine against the sum by definition.
namespace ohmic::nn {
namespace {

struct Problem {
  Index outputs, channels, height, width, kernel, stride, padding;
};

PatchView window(const Problem& p) {
  PatchView g;
  g.channels = p.channels;
  g.height = p.height;
  g.width = p.width;
  g.kernel = p.kernel;
  g.stride = p.stride;
  g.padding = p.padding;
  return g;
}

template <class T>
AlignedVector<T> numbers(Index n, unsigned seed) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  AlignedVector<T> v(static_cast<std::size_t>(n));
  for (T& value : v) value = static_cast<T>(uniform(rng));
  return v;
}

/// y, dx and dw by definition, in double: dw and dx of slopes dy.
struct Judge {
  std::vector<double> y, dx, dw;

  template <class T>
  Judge(const PatchView& g, Index outputs, const AlignedVector<T>& w, const AlignedVector<T>& bias,
        const AlignedVector<T>& x, const AlignedVector<T>& dy)
      : y(dy.size()), dx(x.size()), dw(w.size()) {
    for (Index o = 0; o < outputs; ++o)
      for (Index p = 0; p < g.positions(); ++p)
        for (Index lane = 0; lane < kLanes; ++lane) {
          const auto at = static_cast<std::size_t>((o * g.positions() + p) * kLanes + lane);
          y[at] = static_cast<double>(bias[static_cast<std::size_t>(o)]);
          for (Index c = 0; c < g.channels; ++c)
            for (Index t = 0; t < g.kernel * g.kernel; ++t) {
              const Index row = p / g.out_width() * g.stride + t / g.kernel - g.padding,
                          column = p % g.out_width() * g.stride + t % g.kernel - g.padding;
              if (row < 0 || row >= g.height || column < 0 || column >= g.width) continue;
              const auto from = static_cast<std::size_t>(
                  ((c * g.height + row) * g.width + column) * kLanes + lane);
              const auto weight =
                  static_cast<std::size_t>((o * g.channels + c) * g.kernel * g.kernel + t);
              y[at] += static_cast<double>(w[weight]) * static_cast<double>(x[from]);
              dx[from] += static_cast<double>(w[weight]) * static_cast<double>(dy[at]);
              dw[weight] += static_cast<double>(x[from]) * static_cast<double>(dy[at]);
            }
        }
  }
};

template <class T>
double worst(const AlignedVector<T>& found, const std::vector<double>& judge) {
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < judge.size(); ++i) {
    error = std::max(error, std::fabs(static_cast<double>(found[i]) - judge[i]));
    largest = std::max(largest, std::fabs(judge[i]));
  }
  return error / largest;
}

struct Results {
  AlignedVector<float> y, dx, dw;
  bool operator==(const Results&) const = default;
};

template <class T>
void check(const Problem& p, double bound) {
  CAPTURE(p.outputs);
  CAPTURE(p.channels);
  CAPTURE(p.kernel);
  const PatchView g = window(p);
  const AlignedVector<T> w = numbers<T>(p.outputs * g.inputs(), 1), bias = numbers<T>(p.outputs, 2),
                         x = numbers<T>(g.channels * g.height * g.width * kLanes, 3),
                         dy = numbers<T>(p.outputs * g.positions() * kLanes, 4);
  const Judge judge(g, p.outputs, w, bias, x, dy);
  AlignedVector<T> y(dy.size()), dx(x.size()), dw(w.size());

  const PanelProduct<T> panel(p.outputs, g, false), panel_back(p.outputs, g, true);
  AlignedVector<T> work(static_cast<std::size_t>(panel.gradient_work(p.outputs, g)), T(5));
  panel.apply(w.data(), bias.data(), x.data(), y.data());
  panel_back.apply(w.data(), nullptr, dy.data(), dx.data());
  panel.add_gradient(x.data(), dy.data(), work.data(), dw.data());
  CHECK(worst(y, judge.y) < bound);
  CHECK(worst(dx, judge.dx) < bound);
  CHECK(worst(dw, judge.dw) < bound);

  const WindowProduct<T> place(p.outputs, g);
  AlignedVector<T> state(static_cast<std::size_t>(place.state_size())),
      own(static_cast<std::size_t>(place.work_size())), own_dw(w.size());
  place.apply(w.data(), bias.data(), x.data(), state.data(), y.data());
  place.apply_backward(w.data(), dy.data(), own.data(), dx.data());
  place.add_gradient(x.data(), state.data(), dy.data(), own_dw.data());
  CHECK(worst(y, judge.y) < bound);
  CHECK(worst(dx, judge.dx) < bound);
  CHECK(worst(own_dw, judge.dw) < bound);

  if (!WinogradProduct<T>::suits(p.outputs, g)) return;
  const WinogradProduct<T> tiles(p.outputs, g, false), tiles_back(p.outputs, g, true);
  AlignedVector<T> prepared(static_cast<std::size_t>(tiles.prepared_size(p.outputs, g)));
  tiles.prepare(w.data(), prepared.data());
  tiles.apply(prepared.data(), bias.data(), x.data(), y.data());
  tiles_back.prepare(w.data(), prepared.data());
  tiles_back.apply(prepared.data(), nullptr, dy.data(), dx.data());
  CHECK(worst(y, judge.y) < 10 * bound);
  CHECK(worst(dx, judge.dx) < 10 * bound);

  const WinogradGradient<T> gradient(p.outputs, g);
  AlignedVector<T> sums(static_cast<std::size_t>(gradient.work_size()), T(5));
  std::fill(dw.begin(), dw.end(), T(3));
  gradient.add(x.data(), dy.data(), sums.data(), dw.data());
  for (T& value : dw) value -= T(3);
  CHECK(worst(dw, judge.dw) < 10 * bound);
}

/// Shapes with borders, rests of tiles and blocks, strides that leave rows out, and one position.
const std::vector<Problem> kProblems = {
    {3, 2, 5, 6, 3, 1, 1},   {33, 9, 4, 4, 3, 1, 1},  {17, 18, 9, 7, 3, 1, 1},
    {16, 16, 6, 8, 3, 1, 0}, {20, 13, 7, 5, 3, 2, 1}, {40, 5, 6, 6, 1, 2, 0},
    {7, 150, 1, 1, 1, 1, 0}, {18, 3, 8, 8, 5, 1, 2},  {19, 17, 2, 2, 3, 1, 1},
    {6, 1, 9, 9, 5, 3, 2},   {40, 34, 8, 8, 3, 1, 1}, {20, 17, 30, 26, 3, 1, 1}};

}  // namespace

TEST_CASE("every engine gives the products and gradients of the sum by definition") {
  // Errors relative to the largest result, which grow as the root of a gradient's terms.
  for (const Problem& p : kProblems) {
    const double terms = static_cast<double>(window(p).positions() * kLanes);
    const double growth = std::sqrt(std::max(1.0, terms / 5184));
    check<float>(p, 5e-6 * growth);
    check<double>(p, 1e-14 * growth);
  }
}

TEST_CASE("a layer with sums too large to keep several has the gradient that panels give") {
  const int before = threads();
  const Problem p{300, 220, 4, 6, 3, 1, 1};
  const PatchView g = window(p);
  const AlignedVector<float> x = numbers<float>(g.channels * g.height * g.width * kLanes, 3),
                             dy = numbers<float>(p.outputs * g.positions() * kLanes, 4);
  const auto size = static_cast<std::size_t>(p.outputs * g.inputs());
  const PanelProduct<float> panel(p.outputs, g, false);
  AlignedVector<float> work(static_cast<std::size_t>(panel.gradient_work(p.outputs, g))),
      judge(size);
  panel.add_gradient(x.data(), dy.data(), work.data(), judge.data());
  const WinogradGradient<float> gradient(p.outputs, g);
  AlignedVector<float> sums(static_cast<std::size_t>(gradient.work_size()), 5.0f);
  std::vector<AlignedVector<float>> all;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    AlignedVector<float> dw(size);
    gradient.add(x.data(), dy.data(), sums.data(), dw.data());
    all.push_back(std::move(dw));
    CHECK(all.back() == all.front());
  }
  set_threads(before);
  CHECK(worst(all.front(), std::vector<double>(judge.begin(), judge.end())) < 5e-5);
}

TEST_CASE("no engine's bits depend on the number of threads") {
  const int before = threads();
  for (const Problem& p : kProblems) {
    CAPTURE(p.outputs);
    const PatchView g = window(p);
    const AlignedVector<float> w = numbers<float>(p.outputs * g.inputs(), 1),
                               bias = numbers<float>(p.outputs, 2),
                               x = numbers<float>(g.channels * g.height * g.width * kLanes, 3),
                               dy = numbers<float>(p.outputs * g.positions() * kLanes, 4);
    std::vector<Results> all;
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      Results r{AlignedVector<float>(dy.size()), AlignedVector<float>(x.size()),
                AlignedVector<float>(w.size())};
      const PanelProduct<float> panel(p.outputs, g, false);
      AlignedVector<float> work(static_cast<std::size_t>(panel.gradient_work(p.outputs, g)));
      panel.add_gradient(x.data(), dy.data(), work.data(), r.dw.data());
      if (WinogradProduct<float>::suits(p.outputs, g)) {
        const WinogradProduct<float> tiles(p.outputs, g, false), back(p.outputs, g, true);
        AlignedVector<float> prepared(static_cast<std::size_t>(tiles.prepared_size(p.outputs, g)));
        tiles.prepare(w.data(), prepared.data());
        tiles.apply(prepared.data(), bias.data(), x.data(), r.y.data());
        back.prepare(w.data(), prepared.data());
        back.apply(prepared.data(), nullptr, dy.data(), r.dx.data());
        const WinogradGradient<float> gradient(p.outputs, g);
        AlignedVector<float> sums(static_cast<std::size_t>(gradient.work_size()));
        gradient.add(x.data(), dy.data(), sums.data(), r.dw.data());
      } else {
        panel.apply(w.data(), bias.data(), x.data(), r.y.data());
        PanelProduct<float>(p.outputs, g, true).apply(w.data(), nullptr, dy.data(), r.dx.data());
      }
      all.push_back(std::move(r));
      CHECK(all.back() == all.front());
    }
  }
  set_threads(before);
}

}  // namespace ohmic::nn
