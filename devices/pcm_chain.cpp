#include "devices/pcm_chain.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "devices/quadrature.h"

namespace ohmic::devices {
namespace {

constexpr const char* kDriftPlane = "drift_z";
constexpr const char* kFrozenPlane = "read_z";

/// E exp(-a |x|) for x ~ N(mean, sigma^2).
double folded_exponential(double a, const PcmLaw::Exponent& x) {
  if (x.sigma == 0) return elementary::exp(-a * std::fabs(x.mean));
  const double half = 0.5 * a * a * x.sigma * x.sigma, z = x.mean / x.sigma;
  return elementary::exp(half - a * x.mean) * elementary::normal_cdf(z - a * x.sigma) +
         elementary::exp(half + a * x.mean) * elementary::normal_cdf(-z - a * x.sigma);
}

}  // namespace

double PcmLaw::read_factor(double seconds) const {
  return std::sqrt(elementary::log((seconds + t0 + t_read) / (2 * t_read)));
}

double PcmLaw::drift_logarithm(double seconds) const {
  return elementary::log((seconds + t0) / t0);
}

MeanAndSigma pcm_moments(const PcmLaw& law, double target, double seconds, PcmStages stages) {
  const double r = target / law.g_max;
  const auto square = [](double x) { return x * x; };
  // Moments of the read stage alone, relative to the drifted conductance.
  const auto read = [&](double programmed) {
    const double c =
        stages.read ? law.read_fraction(r, programmed / law.g_max) * law.read_factor(seconds) : 0.0;
    return MeanAndSigma{rectified_mean(1, c), rectified_sigma(1, c)};
  };
  double first = 0, second = 0;
  const double s = stages.programming ? law.sigma(r) : 0.0;
  const auto at = [&](double z, int power) {
    const double p = std::max(target + s * z, 0.0);
    if (p == 0) return 0.0;
    const MeanAndSigma m = read(p);
    return power == 1 ? p * m.mean : p * p * (square(m.mean) + square(m.sigma));
  };
  if (s == 0) {
    first = at(0, 1);
    second = at(0, 2);
  } else {
    std::vector<double> kinks{-target / s};
    for (const double q : law.kinks) kinks.push_back((q * law.g_max - target) / s);
    first = normal_expectation([&](double z) { return at(z, 1); }, kinks);
    second = normal_expectation([&](double z) { return at(z, 2); }, kinks);
  }
  if (stages.drift) {
    const double l = law.drift_logarithm(seconds);
    first *= folded_exponential(l, law.exponent(r));
    second *= folded_exponential(2 * l, law.exponent(r));
  }
  return {first, std::sqrt(std::max(second - first * first, 0.0))};
}

PcmCell::PcmCell(const PresetParams& preset, PcmLaw law, ConfigNode parameters)
    : PresetCell(preset, {0, law.g_max * units::kMicrosiemens}),
      law_(std::move(law)),
      parameters_(std::move(parameters)) {}

void PcmCell::program(const ProgramContext& context, ConstView<float> target, Cells& out) const {
  out.target = Matrix<float>(target);
  out.programmed = Matrix<float>(target.rows(), target.columns());
  out.plane_of(kDriftPlane);
  out.plane_of(kFrozenPlane);
  const auto n = static_cast<std::size_t>(target.columns());
  std::vector<float> z(n);
  for (Index r = 0; r < target.rows(); ++r) {
    context.normals(Purpose::cycle, r, z);
    context.normals(Purpose::drift, r, {out.plane_of(kDriftPlane).row(r), n});
    context.normals(Purpose::frozen, r, {out.plane_of(kFrozenPlane).row(r), n});
    for (std::size_t c = 0; c < n; ++c) {
      const double t = published(target(r, static_cast<Index>(c)));
      const double g = t + law_.sigma(t / law_.g_max) * z[c];
      out.programmed(r, static_cast<Index>(c)) = static_cast<float>(siemens(std::max(g, 0.0)));
    }
  }
}

void PcmCell::conductance(const Cells& cells, double seconds, View<float> out) const {
  const ConstView<float> drift = cells.plane(kDriftPlane), frozen = cells.plane(kFrozenPlane);
  const double l = law_.drift_logarithm(seconds), factor = law_.read_factor(seconds);
  for (Index row = 0; row < out.rows(); ++row)
    for (Index c = 0; c < out.columns(); ++c) {
      const double r = published(cells.target(row, c)) / law_.g_max;
      const double programmed = published(cells.programmed(row, c));
      const PcmLaw::Exponent exponent = law_.exponent(r);
      const double nu = std::fabs(exponent.mean + exponent.sigma * drift(row, c));
      const double drifted = programmed * elementary::exp(-nu * l);
      const double q = law_.read_fraction(r, programmed / law_.g_max);
      out(row, c) =
          static_cast<float>(siemens(std::max(drifted * (1 + q * factor * frozen(row, c)), 0.0)));
    }
}

double PcmCell::mean(double g, double seconds) const {
  return siemens(pcm_moments(law_, published(g), seconds).mean);
}

double PcmCell::sigma(double g, double seconds) const {
  return siemens(pcm_moments(law_, published(g), seconds).sigma);
}

}  // namespace ohmic::devices
