#include "devices/cmo_hfox.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "devices/quadrature.h"

namespace ohmic::devices {

const char* const kCmoHfoxManual =
    R"(Conductive-metal-oxide / HfOx analog RRAM (Falcone et al., "All-in-one analog AI accelerator: on-chip training and inference with CMO/HfOx ReRAM", arXiv
2502.04524 (2025); read noise: Lombardo et al., DRC 2024, doi 10.1109/DRC61706.2024.10643760; constants as in IBM aihwkit). G in uS, t in s:

    programming  p = G + s z,  acceptance "0.2%": s = .00081107 + .00106879 G;  "2%": s = .0112185391 + .01129027418 G
    relaxation   d = p - .08900206 ln t + (.41183342 + .04201137 ln t) z',  for t >= 1 s, none before
    read         g = d + .0277316483 log10(d) sqrt(ln((t + 1 us) / 2 us)) z'',  for t >= 1 us

clipped to g_min .. g_max once, at the end (p may lie beyond them). z' and z'' are drawn once per device (the read term is accumulated 1/f noise, frozen at a time).
Range: 9 .. 88.2 uS. aihwkit takes the .2 % fit also where 2 % is asked for.)";

namespace {

constexpr PublishedRange kRange{9 * units::kMicrosiemens, 88.199997 * units::kMicrosiemens};
constexpr const char* kRelaxationPlane = "relaxation_z";
constexpr const char* kReadPlane = "read_z";
constexpr double kLeast = 1e-3;  // log10 of what relaxes to nothing stays finite

/// E min(max(x, low), high)^power for x ~ N(mean, sigma^2), power 1 or 2.
double clipped_moment(double mean, double sigma, double low, double high, int power) {
  if (sigma <= 0) {
    const double x = std::clamp(mean, low, high);
    return power == 1 ? x : x * x;
  }
  const double a = (low - mean) / sigma, b = (high - mean) / sigma;
  const double below = elementary::normal_cdf(a), above = elementary::normal_cdf(-b);
  const double inside = 1 - below - above;
  const double pa = elementary::normal_pdf(a), pb = elementary::normal_pdf(b);
  if (power == 1) return low * below + high * above + mean * inside + sigma * (pa - pb);
  return low * low * below + high * high * above + (mean * mean + sigma * sigma) * inside +
         2 * mean * sigma * (pa - pb) + sigma * sigma * (a * pa - b * pb);
}

}  // namespace

double cmo_programming_sigma(CmoAcceptance acceptance, double g) {
  return acceptance == CmoAcceptance::fine ? 0.00081107 + 0.00106879 * g
                                           : 0.0112185391 + 0.01129027418 * g;
}

double cmo_relaxation_shift(double seconds) {
  return seconds < 1 ? 0.0 : -0.08900206 * elementary::log(seconds);
}

double cmo_relaxation_sigma(double seconds) {
  return seconds < 1 ? 0.0 : 0.41183342 + 0.04201137 * elementary::log(seconds);
}

double cmo_read_sigma(double g, double seconds) {
  if (seconds < 1e-6) return 0;
  return 0.0277316483 * (elementary::log(std::max(g, kLeast)) / elementary::log(10.0)) *
         std::sqrt(elementary::log((seconds + 1e-6) / 2e-6));
}

namespace {

/// Mean and deviation of clipped cells, from E f(d) over the conductance d [uS] before the read
/// term: `expectation(f)` gives it. Second moments are taken around `near`, so that no digits
/// cancel.
template <class Expectation>
CmoMoments clipped_moments(double near, double seconds, double low, double high,
                           Expectation expectation) {
  const auto moment = [&](int power) {
    return expectation([&](double d) {
      return clipped_moment(d - near, std::fabs(cmo_read_sigma(d, seconds)), low - near,
                            high - near, power);
    });
  };
  const double first = moment(1);
  return {near + first, std::sqrt(std::max(moment(2) - first * first, 0.0))};
}

}  // namespace

CmoMoments cmo_moments_from(double g, double seconds, double low, double high) {
  const double shift = cmo_relaxation_shift(seconds), relaxation = cmo_relaxation_sigma(seconds);
  return clipped_moments(g, seconds, low, high, [&](auto f) {
    if (relaxation == 0) return f(g + shift);
    return normal_expectation([&](double z) { return f(g + shift + relaxation * z); });
  });
}

CmoMoments cmo_moments(CmoAcceptance acceptance, double g, double seconds, double low,
                       double high) {
  const double s = cmo_programming_sigma(acceptance, g);
  const double shift = cmo_relaxation_shift(seconds), relaxation = cmo_relaxation_sigma(seconds);
  // Programming and relaxation are normal and add up to one normal number; clipping makes kinks
  // where no relaxation smooths them.
  const double whole = std::hypot(s, relaxation);
  const std::vector<double> kinks =
      relaxation == 0 ? std::vector{(low - g) / s, (high - g) / s} : std::vector<double>{};
  return clipped_moments(g, seconds, low, high, [&](auto f) {
    return normal_expectation([&](double z) { return f(g + shift + whole * z); }, kinks);
  });
}

void fields(FieldVisitor& f, CmoHfoxParams& p) {
  f.field({.key = "acceptance", .meaning = "what programming accepted, of the range"}, p.acceptance,
          {"0.2%", "2%"});
  fields(f, p.preset);
}

void check_device(const CmoHfoxParams& p, const ConfigNode& table, const std::string& path) {
  check_preset(p.preset, kRange, "cmo_hfox", table, path);
}

namespace {

class CmoHfox final : public PresetCell {
 public:
  explicit CmoHfox(const CmoHfoxParams& p)
      : PresetCell(p.preset, kRange),
        params_(p),
        low_(published(p.preset.cell.g_min)),
        high_(published(p.preset.cell.g_max)) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    out.target = Matrix<float>(target);
    out.programmed = Matrix<float>(target.rows(), target.columns());
    out.plane_of(kRelaxationPlane);
    out.plane_of(kReadPlane);
    const auto n = static_cast<std::size_t>(target.columns());
    std::vector<float> z(n);
    for (Index r = 0; r < target.rows(); ++r) {
      context.normals(Purpose::cycle, r, z);
      context.normals(Purpose::drift, r, {out.plane_of(kRelaxationPlane).row(r), n});
      context.normals(Purpose::frozen, r, {out.plane_of(kReadPlane).row(r), n});
      for (std::size_t c = 0; c < n; ++c) {
        const double g = published(target(r, static_cast<Index>(c)));
        const double p = g + cmo_programming_sigma(params_.acceptance, g) * z[c];
        out.programmed(r, static_cast<Index>(c)) = static_cast<float>(siemens(p));
      }
    }
  }
  void conductance(const Cells& cells, double seconds, View<float> out) const override {
    const ConstView<float> z = cells.plane(kRelaxationPlane), read = cells.plane(kReadPlane);
    const double shift = cmo_relaxation_shift(seconds), spread = cmo_relaxation_sigma(seconds);
    for (Index r = 0; r < out.rows(); ++r)
      for (Index c = 0; c < out.columns(); ++c) {
        const double d = published(cells.programmed(r, c)) + shift + spread * z(r, c);
        const double g = d + cmo_read_sigma(d, seconds) * read(r, c);
        out(r, c) = static_cast<float>(siemens(std::clamp(g, low_, high_)));
      }
  }
  TimeRange time_range() const override { return {.changes = true}; }
  double mean(double g, double seconds) const override {
    return siemens(moments(published(g), seconds).mean);
  }
  double sigma(double g, double seconds) const override {
    return siemens(moments(published(g), seconds).sigma);
  }
  ConfigNode parameters() const override { return with_model("cmo_hfox", write_fields(params_)); }

 private:
  CmoMoments moments(double g, double seconds) const {
    return cmo_moments(params_.acceptance, g, seconds, low_, high_);
  }

  CmoHfoxParams params_;
  double low_, high_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_cmo_hfox(const CmoHfoxParams& params) {
  return std::make_shared<CmoHfox>(params);
}

}  // namespace ohmic::devices
