#include "devices/hermes.h"

#include <algorithm>

#include "base/elementary.h"

namespace ohmic::devices {

const char* const kHermesManual =
    R"(Phase-change memory of the HERMES chip (Le Gallo et al., "A 64-core mixed-signal in-memory compute chip based on phase-change memory for deep neural network
inference", Nat. Electronics 6 (2023) 680, doi 10.1038/s41928-023-01010-1; Khaddam-Aljameh et al., JSSC 57 (2022) 1027; Vasilopoulos et al., TED 70
(2023) 105; constants as in IBM aihwkit). hermes: two devices in parallel hold one polarity, g_max = 20.7 uS, t0 = 300 s; hermes_single: one, 10.35 uS, 200 s.
r = target / g_max, q = programmed / g_max, reads of 512 ns, the chain of `ohmic info pcm_like`:

    sigma [uS]  two: .16603222 + 4.71806468 r - 8.48101252 r^2 + 4.68961419 r^3;  one: .15781817 + 2.32443916 r - 2.16310839 r^2 + .68841818 r^3
    mean nu     r < .0945: -.0387 ln r - .0182 within .0720 .. .13;  else -.0436 r^2 - .0126 r + .0736
    sd nu       two: r < .3055: -.0117 ln r - .0057 within .0091 .. .04;  else -.0118 r^2 + .0093 r + .0073
                one: r < .3039: -.0120 ln r - .0023 within .0124 .. .04;  else -.0165 r^2 + .0116 r + .0104
    Q           two: q < .16: -.0117 ln q - .0069 within .015 .. .04;  else .0069 q^3 - .0280 q^2 + .0211 q + .0123
                one: q < .1591: -.0078 ln q + .0038 within .0179 .. .04;  else .0664 q^3 - .1352 q^2 + .0768 q + .0088

Range: 0 .. g_max.)";

namespace {

double log_of(double r) { return elementary::log(std::max(r, 1e-7)); }

double mean_exponent(double r) {
  return r < 0.0945 ? std::clamp(-0.0387 * log_of(r) - 0.0182, 0.0720, 0.13)
                    : -0.0436 * r * r - 0.0126 * r + 0.0736;
}

}  // namespace

const PcmLaw& hermes_law(std::int64_t devices) {
  static const PcmLaw two{
      .g_max = 20.7,
      .t0 = 300,
      .t_read = 512e-9,
      .sigma =
          [](double r) {
            return 0.16603222 + r * (4.71806468 + r * (-8.48101252 + r * 4.68961419));
          },
      .exponent =
          [](double r) {
            const double sd = r < 0.3055 ? std::clamp(-0.0117 * log_of(r) - 0.0057, 0.0091, 0.04)
                                         : -0.0118 * r * r + 0.0093 * r + 0.0073;
            return PcmLaw::Exponent{mean_exponent(r), sd};
          },
      .read_fraction =
          [](double, double q) {
            return q < 0.16 ? std::clamp(-0.0117 * log_of(q) - 0.0069, 0.015, 0.04)
                            : 0.0123 + q * (0.0211 + q * (-0.0280 + q * 0.0069));
          },
      .kinks = {elementary::exp(-(0.04 + 0.0069) / 0.0117), 0.16}};
  static const PcmLaw one{
      .g_max = 10.35,
      .t0 = 200,
      .t_read = 512e-9,
      .sigma =
          [](double r) {
            return 0.15781817 + r * (2.32443916 + r * (-2.16310839 + r * 0.68841818));
          },
      .exponent =
          [](double r) {
            const double sd = r < 0.3039 ? std::clamp(-0.0120 * log_of(r) - 0.0023, 0.0124, 0.04)
                                         : -0.0165 * r * r + 0.0116 * r + 0.0104;
            return PcmLaw::Exponent{mean_exponent(r), sd};
          },
      .read_fraction =
          [](double, double q) {
            return q < 0.1591 ? std::clamp(-0.0078 * log_of(q) + 0.0038, 0.0179, 0.04)
                              : 0.0088 + q * (0.0768 + q * (-0.1352 + q * 0.0664));
          },
      .kinks = {elementary::exp(-(0.04 - 0.0038) / 0.0078), 0.1591}};
  return devices == 1 ? one : two;
}

HermesParams hermes_of(std::int64_t devices) {
  return {preset_of({0, hermes_law(devices).g_max * units::kMicrosiemens}), devices};
}

void fields(FieldVisitor& f, HermesPairParams& p) { fields(f, p.preset); }
void fields(FieldVisitor& f, HermesSingleParams& p) { fields(f, p.preset); }

void check_device(const HermesParams& p, const ConfigNode& table, const std::string& path) {
  check_preset(p.preset, {0, hermes_law(p.devices).g_max * units::kMicrosiemens},
               p.devices == 1 ? "hermes_single" : "hermes", table, path);
}

std::shared_ptr<const DeviceModel> make_hermes(const HermesPairParams& params) {
  return std::make_shared<PcmCell>(params.preset, hermes_law(2),
                                   with_model("hermes", write_fields(params)));
}

std::shared_ptr<const DeviceModel> make_hermes_single(const HermesSingleParams& params) {
  return std::make_shared<PcmCell>(params.preset, hermes_law(1),
                                   with_model("hermes_single", write_fields(params)));
}

}  // namespace ohmic::devices
