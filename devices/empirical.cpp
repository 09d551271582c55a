#include "devices/empirical.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/statistics.h"

namespace ohmic::devices {
namespace {

struct MeanAndDeviation {
  double mean = 0, deviation = 0;
};

MeanAndDeviation of_sample(const std::vector<double>& x) {
  Moments moments;
  for (const double value : x) moments.add(value);
  return {moments.mean(), moments.deviation()};
}

/// Of what is drawn: the flat ends weigh 1/(2n) each, every line between two knots 1/n.
MeanAndDeviation of_draws(const std::vector<double>& knots) {
  const auto n = static_cast<double>(knots.size());
  double mean = 0, square = 0;
  for (const double value : knots) mean += value / n;
  const auto from_mean = [&](std::size_t k) { return knots[k] - mean; };
  for (const std::size_t end : {std::size_t{0}, knots.size() - 1})
    square += from_mean(end) * from_mean(end) / (2 * n);
  for (std::size_t k = 0; k + 1 < knots.size(); ++k) {
    const double a = from_mean(k), b = from_mean(k + 1);
    square += (a * a + a * b + b * b) / (3 * n);
  }
  return {mean, std::sqrt(square)};
}

}  // namespace

Empirical::Empirical(std::vector<double> samples, double least) : knots_(std::move(samples)) {
  assert(knots_.size() >= 2);
  std::sort(knots_.begin(), knots_.end());
  const std::vector<double> sorted = knots_;
  const MeanAndDeviation wanted = of_sample(sorted);
  if (wanted.deviation == 0) return;
  constexpr int kMostSteps = 500;
  constexpr double kClose = 1e-12;
  double factor = 1, centre = wanted.mean;
  for (int step = 0; step < kMostSteps; ++step) {
    const MeanAndDeviation drawn = of_draws(knots_);
    const double off = std::fabs(drawn.mean - wanted.mean) / wanted.deviation;
    if (off < kClose && std::fabs(drawn.deviation / wanted.deviation - 1) < kClose) return;
    factor *= wanted.deviation / drawn.deviation;
    centre += wanted.mean - drawn.mean;
    for (std::size_t k = 0; k < knots_.size(); ++k)
      knots_[k] = std::max(least, centre + factor * (sorted[k] - wanted.mean));
  }
  // A few high values above many at the bound: no shift keeps both, so all values grow from it.
  knots_ = sorted;
  const double growth = wanted.deviation / of_draws(sorted).deviation;
  for (double& value : knots_) value = least + growth * (value - least);
}

double Empirical::quantile(double u) const {
  const auto n = static_cast<double>(knots_.size());
  const double at = std::clamp(u * n - 0.5, 0.0, n - 1);
  const auto below = std::min(static_cast<std::size_t>(at), knots_.size() - 2);
  return knots_[below] + (at - static_cast<double>(below)) * (knots_[below + 1] - knots_[below]);
}

}  // namespace ohmic::devices
