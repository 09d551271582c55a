#include "devices/sonos.h"

#include <algorithm>
#include <array>

#include "base/elementary.h"
#include "devices/one_draw_cell.h"

namespace ohmic::devices {

const char* const kSonosManual =
    R"(40 nm SONOS charge-trapping memory in subthreshold (Agrawal et al., "Subthreshold operation of SONOS analog memory to enable accurate low-power neural
network inference", IEDM 2022, 21.7, doi 10.1109/IEDM45625.2022.10019564; fits as in Sandia's CrossSim 3.2): currents I in nA, 0 .. 1600, at .1 V
(16 uS = 1600 nA). `seconds` after programming, d = seconds / 86400 days,

    I(t) = max(M + A (1 - exp(-M / B)) z, 0),  M = I + sum_k c_k(d) I^k (M = I at d = 0),  z ~ N(0, 1), one per device
    read noise, white: 12.58037 (1 - exp(-I / 215.36557)) nA; switched off by published_read_noise = false

A, B and the eleven c_k were fitted after 0, 1, 2, 3, 4, 5 days and are linear in d between. Range: 0 .. 16 uS, up to 5 days.)";

namespace {

constexpr PublishedRange kRange{0, 16 * units::kMicrosiemens};
constexpr double kDay = 86400;

struct Fit {
  double a, b;
  std::array<double, 11> drift;
};
constexpr std::array<Fit, 6> kFits{{
    {19.88665, 176.3115, {}},
    {25.59102,
     186.85544,
     {1.72684e-01, 5.72552e-02, -6.85715e-04, 3.50271e-06, -9.37682e-09, 1.40575e-11, -1.19803e-14,
      5.41293e-18, -8.85448e-22, -1.66869e-25, 5.95180e-29}},
    {28.72753,
     193.56834,
     {2.50712e-01, 6.62195e-02, -6.83218e-04, 2.99442e-06, -6.78255e-09, 7.70482e-12, -3.04983e-15,
      -2.15919e-18, 2.94617e-21, -1.23359e-24, 1.85329e-28}},
    {31.04318,
     198.90332,
     {-1.75300e-02, 9.76883e-02, -9.63791e-04, 4.55551e-06, -1.22391e-08, 1.93786e-11, -1.85899e-14,
      1.07659e-17, -3.58211e-21, 5.96785e-25, -3.30410e-29}},
    {33.76214,
     204.77023,
     {4.03338e-02, 1.03111e-01, -1.04740e-03, 4.83961e-06, -1.28132e-08, 1.99484e-11, -1.85139e-14,
      1.00008e-17, -2.84944e-21, 3.01008e-25, 1.18747e-29}},
    {34.57909,
     207.34309,
     {3.19927e-01, 1.06596e-01, -1.04054e-03, 4.50290e-06, -1.10352e-08, 1.56477e-11, -1.27592e-14,
      5.45513e-18, -7.26841e-22, -2.43893e-25, 7.14608e-29}},
}};

double saturating(double a, double b, double current) {
  return std::max(a * (1 - elementary::exp(-current / b)), 0.0);
}

}  // namespace

SonosState sonos_state(double target, double seconds) {
  const double days = std::min(seconds / kDay, 5.0);
  const auto first = std::min(static_cast<std::size_t>(days), std::size_t{4});
  const double fraction = days - static_cast<double>(first);
  const Fit &low = kFits[first], &high = kFits[first + 1];
  const auto between = [fraction](double x, double y) { return x + fraction * (y - x); };
  double shift = 0;
  for (std::size_t k = low.drift.size(); k-- > 0;)
    shift = shift * target + between(low.drift[k], high.drift[k]);
  const double mean = target + shift;
  return {mean, saturating(between(low.a, high.a), between(low.b, high.b), mean)};
}

double sonos_read_sigma(double current) { return saturating(12.58037, 215.36557, current); }

void fields(FieldVisitor& f, SonosParams& p) {
  range_fields(f, p.preset.cell);
  f.field(
      {.key = "published_read_noise", .meaning = "whether reads have the published white noise"},
      p.reads_noisily);
  scaling_fields(f, p.preset);
}

namespace {

class Sonos final : public OneDrawCell {
 public:
  explicit Sonos(const SonosParams& p) : OneDrawCell(p.preset, kRange), params_(p) {}
  TimeRange time_range() const override { return {.changes = true, .latest = 5 * kDay}; }
  void read_sigma(const Cells&, ConstView<float> g, double, View<float> out) const override {
    for (Index r = 0; r < out.rows(); ++r)
      for (Index c = 0; c < out.columns(); ++c)
        out(r, c) =
            params_.reads_noisily
                ? static_cast<float>(siemens(kUnit * sonos_read_sigma(published(g(r, c)) / kUnit)))
                : 0.0f;
  }
  std::optional<double> uniform_read_sigma() const override {
    return params_.reads_noisily ? std::nullopt : std::optional(0.0);
  }
  ConfigNode parameters() const override { return with_model("sonos", write_fields(params_)); }

 protected:
  double centre(double target, double seconds) const override {
    return kUnit * sonos_state(target / kUnit, seconds).mean;
  }
  double spread(double target, double seconds) const override {
    return kUnit * sonos_state(target / kUnit, seconds).sigma;
  }

 private:
  static constexpr double kUnit = kSonosMicrosiemensPerNanoampere;
  SonosParams params_;
};

}  // namespace

void check_device(const SonosParams& p, const ConfigNode& table, const std::string& path) {
  check_preset(p.preset, kRange, "sonos", table, path);
}

std::shared_ptr<const DeviceModel> make_sonos(const SonosParams& params) {
  return std::make_shared<Sonos>(params);
}

}  // namespace ohmic::devices
