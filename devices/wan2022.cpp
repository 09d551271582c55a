#include "devices/wan2022.h"

#include <algorithm>
#include <array>

#include "base/elementary.h"
#include "devices/one_draw_cell.h"

namespace ohmic::devices {

const char* const kWan2022Manual =
    R"(HfOx RRAM of the NeuRRAM chip (Wan et al., "A compute-in-memory chip based on resistive random-access memory", Nature 608 (2022) 504,
doi 10.1038/s41586-022-04992-8, Extended Data Fig. 3d): relaxation after programming with verification.

    g(t) = max(G + sigma(G, t) z, 0),  z ~ N(0, 1), one per device

fit = "aihwkit" (the fit in IBM aihwkit), x = G / 40 uS, sigma in uS:
    1 s     .348 + 16.030 x - 43.853 x^2 + 45.393 x^3 - 16.815 x^4
    1 day   .701 + 22.086 x - 50.773 x^2 + 47.095 x^3 - 16.458 x^4
    2 days  .782 + 20.274 x - 43.507 x^2 + 37.062 x^3 - 11.934 x^4
linear in ln t between them, the first one before 1 s. fit = "crosssim" (the fit in Sandia's CrossSim), G in uS, at no particular time:
    1.536e-4 G^3 - 1.167e-2 G^2 + .2374 G + 1.053, not below 0
Range: 0 .. 40 uS (crosssim: the same; its g_max is 39.26 uS), up to 2 days. White read noise .01 of g_max is what aihwkit suggests, and the default.
aihwkit does not scale the polynomial when g_max is not 40 uS, so its default noise is 1.6 times the fit's; here rescale = true scales it.)";

Wan2022Params::Wan2022Params() {
  preset.cell.read_noise = 0.01;
  preset.cell.read_noise_of = "g_max";
}

void fields(FieldVisitor& f, Wan2022Params& p) {
  f.field({.key = "fit", .meaning = "which of the two published fits"}, p.fit,
          {"aihwkit", "crosssim"});
  fields(f, p.preset);
}

namespace {

constexpr PublishedRange kRange{0, 40 * units::kMicrosiemens};
constexpr double kDay = 86400;

}  // namespace

double wan2022_sigma(Wan2022Fit fit, double g, double seconds) {
  if (fit == Wan2022Fit::crosssim)
    return std::max(1.053 + g * (0.2374 + g * (-1.167e-2 + g * 1.536e-4)), 0.0);
  constexpr std::array<std::array<double, 5>, 3> kPolynomial{
      {{0.348, 16.030, -43.853, 45.393, -16.815},
       {0.701, 22.086, -50.773, 47.095, -16.458},
       {0.782, 20.274, -43.507, 37.062, -11.934}}};
  constexpr std::array<double, 3> kTime{1, kDay, 2 * kDay};
  const auto at = [&](std::size_t i) {
    const double x = g / 40;
    double sum = 0;
    for (std::size_t k = 5; k-- > 0;) sum = sum * x + kPolynomial[i][k];
    return std::max(sum, 0.0);
  };
  if (seconds <= kTime[0]) return at(0);
  for (std::size_t i = 0; i < 2; ++i)
    if (seconds < kTime[i + 1]) {
      const double fraction =
          elementary::log(seconds / kTime[i]) / elementary::log(kTime[i + 1] / kTime[i]);
      return at(i) + fraction * (at(i + 1) - at(i));
    }
  return at(2);
}

void check_device(const Wan2022Params& p, const ConfigNode& table, const std::string& path) {
  check_preset(p.preset, kRange, "wan2022", table, path);
}

namespace {

class Wan2022 final : public OneDrawCell {
 public:
  explicit Wan2022(const Wan2022Params& p) : OneDrawCell(p.preset, kRange), params_(p) {}
  TimeRange time_range() const override {
    if (params_.fit != Wan2022Fit::aihwkit) return {};
    return {.changes = true, .latest = 2 * kDay};
  }
  ConfigNode parameters() const override { return with_model("wan2022", write_fields(params_)); }

 protected:
  double centre(double target, double) const override { return target; }
  double spread(double target, double seconds) const override {
    return wan2022_sigma(params_.fit, target, seconds);
  }

 private:
  Wan2022Params params_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_wan2022(const Wan2022Params& params) {
  return std::make_shared<Wan2022>(params);
}

}  // namespace ohmic::devices
