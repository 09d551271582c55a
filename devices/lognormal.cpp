#include "devices/lognormal.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "base/kernels.h"

namespace ohmic::devices {

const char* const kLognormalManual =
    R"(Multiplicative log-normal variation, the model of CorrectNet (Eldebiky et al., DATE 2023, arXiv:2211.14917):

    w~ = w exp(theta),  theta ~ N(0, sigma^2)

variation_on = "weight" (the paper's): one draw per weight, before mapping. The weight is quantised to the cell's levels, read
back, multiplied, and mapped without quantising again; conductances beyond g_max are allowed and counted, or clipped where clip
is true; none is below 0, which two-sided and offset mappings can ask for: clipped at 0 and counted.
variation_on = "device": every conductance g of a pair is multiplied by a factor of its own, so g_min varies too.
mean_corrected = true multiplies by exp(theta - s^2/2) instead, whose mean is 1.
theta has two parts: sigma is drawn anew at every programming, sigma_device once per chip; s^2 = sigma^2 + sigma_device^2.
Mean factor exp(s^2/2), deviation of the factor exp(s^2/2) sqrt(exp(s^2) - 1). Range of validity: the paper uses s <= 0.5.)";

void fields(FieldVisitor& f, LognormalParams& p) {
  f.field({.key = "sigma",
           .meaning = "deviation of ln(factor), drawn at every programming (cycle to cycle)",
           .unit = "natural log",
           .low = 0,
           .high = 3},
          p.sigma);
  f.field({.key = "sigma_device",
           .meaning = "deviation of ln(factor) that stays with the device (device to device)",
           .unit = "natural log",
           .low = 0,
           .high = 3},
          p.sigma_device);
  std::string on = p.on_device ? "device" : "weight";
  f.field({.key = "variation_on",
           .meaning = "what is multiplied: the weight (CorrectNet) or each conductance",
           .one_of = {"weight", "device"}},
          on);
  p.on_device = on == "device";
  f.field({.key = "mean_corrected", .meaning = "divide the factor by its mean"}, p.mean_corrected);
  f.field({.key = "clip", .meaning = "clip programmed conductances at g_max"}, p.clip);
  fields(f, p.cell);
}

namespace {

class Lognormal final : public GenericCell, private WeightModel {
 public:
  explicit Lognormal(const LognormalParams& p)
      : GenericCell(p.cell),
        params_(p),
        variance_(p.sigma * p.sigma + p.sigma_device * p.sigma_device),
        shift_(p.mean_corrected ? -0.5 * variance_ : 0.0) {}

  const WeightModel* weights() const override { return params_.on_device ? nullptr : this; }

  void perturb(const ProgramContext& context, ConstView<float> w,
               View<float> w_tilde) const override {
    Draws draws(w.columns());
    for (Index row = 0; row < w.rows(); ++row)
      multiply(context, row, w.row(row), w_tilde.row(row), draws);
  }
  double log_sigma() const override { return std::sqrt(variance_); }
  double mean_of_cell(double base, double slope) const override {
    if (slope == 0) return base;
    if (slope < 0) return base + slope * limited_moment(1, -base / slope);
    return base + slope * limited_moment(1, (top() - base) / slope);
  }

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    out.target.assign(target);
    if (out.programmed.rows() != target.rows() || out.programmed.columns() != target.columns())
      out.programmed = Matrix<float>(target.rows(), target.columns());
    const auto highest = static_cast<float>(top());
    Draws draws(target.columns());
    for (Index row = 0; row < target.rows(); ++row) {
      float* g = out.programmed.row(row);
      if (params_.on_device)
        multiply(context, row, target.row(row), g, draws);
      else
        std::copy_n(target.row(row), target.columns(), g);
      if (params_.on_device && !params_.clip) continue;  // a factor leaves a conductance above 0
      for (Index c = 0; c < target.columns(); ++c) g[c] = std::clamp(g[c], 0.0f, highest);
    }
  }

  double mean(double g, double) const override {
    if (!params_.on_device) return std::min(g, top());
    return g > 0 ? g * limited_moment(1, top() / g) : 0.0;
  }
  double sigma(double g, double) const override {
    if (!params_.on_device || g <= 0) return 0.0;
    const double first = limited_moment(1, top() / g), second = limited_moment(2, top() / g);
    return g * std::sqrt(std::max(second - first * first, 0.0));
  }
  ConfigNode parameters() const override { return with_model("lognormal", write_fields(params_)); }

 private:
  double top() const { return params_.clip ? g_max() : std::numeric_limits<double>::infinity(); }

  /// E min(f, limit)^k of the factor f = e^theta: the part below the limit is that of a log-normal
  /// truncated there, e^(k m + k^2 s^2 / 2) Phi((ln limit - m - k s^2) / s), the rest lies at the
  /// limit.
  double limited_moment(int k, double limit) const {
    const double s = std::sqrt(variance_), m = shift_;
    const double whole = elementary::exp(k * m + 0.5 * k * k * variance_);
    if (limit <= 0) return 0.0;
    if (limit == std::numeric_limits<double>::infinity()) return whole;
    const double at_limit = k == 1 ? limit : limit * limit;
    if (s == 0) return std::min(whole, at_limit);
    const double z = (elementary::log(limit) - m) / s;
    return whole * elementary::normal_cdf(z - k * s) + at_limit * elementary::normal_cdf(-z);
  }

  /// Room for the normals of a row.
  struct Draws {
    std::vector<float> cycle, device;
    explicit Draws(Index columns)
        : cycle(static_cast<std::size_t>(columns)), device(static_cast<std::size_t>(columns)) {}
  };
  void multiply(const ProgramContext& context, Index row, const float* from, float* to,
                Draws& draws) const {
    if (params_.sigma > 0) context.normals(Purpose::cycle, row, draws.cycle);
    const bool has_device_part = params_.sigma_device > 0;
    if (has_device_part) context.normals(Purpose::device, row, draws.device);
    kernels().multiply_exponential(static_cast<Index>(draws.cycle.size()), from, params_.sigma,
                                   draws.cycle.data(), params_.sigma_device,
                                   has_device_part ? draws.device.data() : nullptr, shift_, to);
  }

  LognormalParams params_;
  double variance_, shift_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_lognormal(const LognormalParams& params) {
  return std::make_shared<Lognormal>(params);
}

}  // namespace ohmic::devices
