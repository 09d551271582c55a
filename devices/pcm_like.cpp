#include "devices/pcm_like.h"

#include <algorithm>

#include "base/elementary.h"

namespace ohmic::devices {

const char* const kPcmLikeManual =
    R"(Doped Ge2Sb2Te5 phase-change memory (Nandakumar et al., "Phase-change memory models for deep learning training and inference", ICECS 2019, doi
10.1109/ICECS46596.2019.8964852; Joshi et al., Nat. Commun. 11 (2020) 2473; constants as in IBM aihwkit), g_max = 25 uS, r = target / g_max:

    programming  p = max(T + (.26348 + 1.9650 r - 1.1731 r^2) z, 0) uS
    drift        d = p ((t + 20 s) / 20 s)^-nu,  nu = |N(m, s)|, with r not below 1e-7,
                 m = -.0155 ln r + .0244 within .049 .. .1,  s = -.0125 ln r - .0059 within .008 .. .045
    read         g = max(d (1 + Q sqrt(ln((t + 20 s + 250 ns) / 500 ns)) z'), 0),  Q = .0088 / max(q^.65, 1e-3), at most .2, q = p / g_max

The read term is accumulated 1/f noise: one draw per device, frozen at a time, not averaged away by reading again. The exponent stays with its device; the
cells at 0 drift and read as noisily as their law says (aihwkit's do neither). Range: 0 .. 25 uS.)";

const PcmLaw& pcm_like_law() {
  static const PcmLaw law{
      .g_max = 25,
      .t0 = 20,
      .t_read = 250e-9,
      .sigma = [](double r) { return 0.26348 + r * (1.9650 - 1.1731 * r); },
      .exponent =
          [](double r) {
            const double l = elementary::log(std::max(r, 1e-7));
            return PcmLaw::Exponent{std::clamp(-0.0155 * l + 0.0244, 0.049, 0.1),
                                    std::clamp(-0.0125 * l - 0.0059, 0.008, 0.045)};
          },
      .read_fraction =
          [](double, double q) {
            const double power = q > 0 ? elementary::exp(0.65 * elementary::log(q)) : 0.0;
            return std::min(0.0088 / std::max(power, 1e-3), 0.2);
          },
      .kinks = {elementary::exp(elementary::log(0.0088 / 0.2) / 0.65)}};
  return law;
}

void fields(FieldVisitor& f, PcmLikeParams& p) { fields(f, p.preset); }

void check_device(const PcmLikeParams& p, const ConfigNode& table, const std::string& path) {
  check_preset(p.preset, {0, 25 * units::kMicrosiemens}, "pcm_like", table, path);
}

std::shared_ptr<const DeviceModel> make_pcm_like(const PcmLikeParams& params) {
  return std::make_shared<PcmCell>(params.preset, pcm_like_law(),
                                   with_model("pcm_like", write_fields(params)));
}

}  // namespace ohmic::devices
