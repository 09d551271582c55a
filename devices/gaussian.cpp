#include "devices/gaussian.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"

namespace ohmic::devices {

const char* const kGaussianManual =
    R"(Additive Gaussian programming error, the generic model of most simulators (for instance CrossSim's generic errors):

    g = max(target + s_c z_c + s_d z_d, 0),  z ~ N(0, 1)

sigma (s_c, drawn at every programming) and sigma_device (s_d, once per chip) are fractions of sigma_of: "g_max" (absolute
error), "g" (proportional) or "inverse" (s = sigma g_max^2 / g, no error at g = 0). A conductance cannot be negative: the
error is rectified at 0, which moves the mean of cells near it; clip = true clips at g_max too.
Source: a definition. Range of validity: none of its own.)";

void fields(FieldVisitor& f, GaussianParams& p) {
  const std::string_view of = words_of(p.sigma_of);
  f.field({.key = "sigma",
           .meaning = "deviation of one programming (cycle to cycle)",
           .unit = "fraction",
           .low = 0,
           .high = 10,
           .doubtful = 1,
           .fraction_of = of},
          p.sigma);
  f.field({.key = "sigma_device",
           .meaning = "deviation that stays with the device (device to device)",
           .unit = "fraction",
           .low = 0,
           .high = 10,
           .doubtful = 1,
           .fraction_of = of},
          p.sigma_device);
  f.field({.key = "sigma_of",
           .meaning = "what both are a fraction of",
           .idle = p.sigma > 0 || p.sigma_device > 0 ? "" : "sigma and sigma_device are 0"},
          p.sigma_of, {"g_max", "g", "inverse"});
  f.field({.key = "clip", .meaning = "clip programmed conductances at g_max"}, p.clip);
  fields(f, p.cell);
}

namespace {

class Gaussian final : public GenericCell {
 public:
  explicit Gaussian(const GaussianParams& p) : GenericCell(p.cell), params_(p) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    out.target = Matrix<float>(target);
    out.programmed = out.target;
    const auto n = static_cast<std::size_t>(target.columns());
    std::vector<float> cycle(n), device(n);
    for (Index row = 0; row < target.rows(); ++row) {
      if (params_.sigma > 0) context.normals(Purpose::cycle, row, cycle);
      if (params_.sigma_device > 0) context.normals(Purpose::device, row, device);
      for (std::size_t c = 0; c < n; ++c) {
        float& g = out.programmed(row, static_cast<Index>(c));
        const double error =
            of(params_.sigma, g) * cycle[c] + of(params_.sigma_device, g) * device[c];
        g = static_cast<float>(std::min(std::max(g + error, 0.0), top()));
      }
    }
  }

  double mean(double g, double) const override {
    const double s = total(g);
    // E min(max(x, 0), top) = E max(x, 0) - E max(x - top, 0)
    return rectified_mean(g, s) - (params_.clip ? rectified_mean(g - top(), s) : 0.0);
  }
  double sigma(double g, double) const override {
    const double s = total(g);
    if (!params_.clip || s == 0) return rectified_sigma(g, s);
    const double a = -g / s, b = (top() - g) / s;
    const double inside = elementary::normal_cdf(b) - elementary::normal_cdf(a);
    const double second = (g * g + s * s) * inside +
                          2 * g * s * (elementary::normal_pdf(a) - elementary::normal_pdf(b)) +
                          s * s * (a * elementary::normal_pdf(a) - b * elementary::normal_pdf(b)) +
                          top() * top() * (1 - elementary::normal_cdf(b));
    const double m = mean(g, 0);
    return std::sqrt(std::max(second - m * m, 0.0));
  }
  ConfigNode parameters() const override { return with_model("gaussian", write_fields(params_)); }

 private:
  double of(double fraction, double g) const {
    return spread(fraction, params_.sigma_of, g, g_max());
  }
  double total(double g) const {
    return std::sqrt(square(of(params_.sigma, g)) + square(of(params_.sigma_device, g)));
  }
  static double square(double x) { return x * x; }
  double top() const { return params_.clip ? g_max() : std::numeric_limits<double>::infinity(); }

  GaussianParams params_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_gaussian(const GaussianParams& params) {
  return std::make_shared<Gaussian>(params);
}

}  // namespace ohmic::devices
