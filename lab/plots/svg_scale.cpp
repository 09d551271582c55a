#include "lab/plots/svg_scale.h"

#include <algorithm>
#include <cmath>

namespace ohmic::lab {

double Scale::at(double value) const {
  const auto scaled = [&](double v) { return is_logarithmic ? std::log10(v) : v; };
  const double v = is_logarithmic ? std::max(value, low) : value;
  return from + (scaled(v) - scaled(low)) / (scaled(high) - scaled(low)) * (to - from);
}

std::vector<double> Scale::ticks() const {
  std::vector<double> out;
  if (is_logarithmic) {
    for (double t = std::pow(10, std::floor(std::log10(low))); t <= high * 1.0001; t *= 10)
      if (t >= low * 0.9999) out.push_back(t);
    return out;
  }
  const double span = high - low, power = std::pow(10, std::floor(std::log10(span / 4)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0})
    if (span / step > 8) step = power * factor;
  for (double t = std::ceil(low / step) * step; t <= high + 1e-9 * span; t += step)
    out.push_back(std::fabs(t) < step * 1e-9 ? 0 : t);
  return out;
}

Scale scale_over(std::span<const double> values, double from, double to, bool logarithmic) {
  double low = INFINITY, high = -INFINITY;
  for (const double v : values) {
    if (!std::isfinite(v) || (logarithmic && v <= 0)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (!(low <= high)) low = logarithmic ? 0.1 : 0, high = 1;
  if (low == high) {
    low = logarithmic ? low / 2 : low - 0.5;
    high = logarithmic ? high * 2 : high + 0.5;
  }
  const double margin = 0.05 * (high - low);
  if (logarithmic) {
    low /= 1.5;
    high *= 1.5;
  } else {
    low -= margin;
    high += margin;
  }
  return {low, high, from, to, logarithmic};
}

}  // namespace ohmic::lab
