#include "devices/pulse_response.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "io/config.h"

namespace ohmic::devices {
namespace {

constexpr std::string_view kGong2018 = "fit to Gong et al., Nat. Commun. 9 (2018) 2102, in aihwkit";
constexpr std::string_view kGong2022 =
    "fit to Gong, Rasch et al., IEDM 2022, doi 10.1109/IEDM45625.2022.10019569, in aihwkit";
constexpr std::string_view kGokmen =
    "Gokmen, Vlasov, Front. Neurosci. 10 (2016) 333, as in aihwkit";

}  // namespace

const std::vector<PulseModel>& pulse_models() {
  static const std::vector<PulseModel> models{
      {.name = "ReRamES",
       .source = kGong2018,
       .law = PulseLaw::exponential,
       .dw_min = 0.00135,
       .up_down = 0.259359,
       .gamma_up = 5,
       .gamma_down = 5,
       .a = -0.5,
       .b = -0.5,
       .a_up = -1.18445,
       .a_down = -0.081404,
       .step_sigma = 5,
       .step_sigma_device = 0.2,
       .up_down_sigma_device = 0.05,
       .w_max_sigma_device = 0.3,
       .w_min_sigma_device = 0.3},
      {.name = "ReRamSB",
       .source = kGong2018,
       .law = PulseLaw::soft_bounds,
       .dw_min = 0.002,
       .w_min = -0.75,
       .w_max = 1.25,
       .step_sigma = 3.75,
       .noise_scales = false,
       .step_sigma_device = 0.3,
       .up_down_sigma_device = 0.01,
       .w_max_sigma_device = 0.24,
       .w_min_sigma_device = 0.4},
      {.name = "ReRamArrayOM",
       .source = kGong2022,
       .law = PulseLaw::soft_bounds,
       .dw_min = 0.0949,
       .step_sigma = 0.4158,
       .noise_scales = false,
       .step_sigma_device = 0.7829,
       .step_is_log_normal = true,
       .up_down_sigma_device = 0.01,
       .w_max_sigma_device = 0.3499,
       .w_min_sigma_device = 0.5695},
      {.name = "ReRamArrayHfO2",
       .source = kGong2022,
       .law = PulseLaw::soft_bounds,
       .dw_min = 0.4622,
       .step_sigma = 0.2174,
       .noise_scales = false,
       .step_sigma_device = 0.7125,
       .step_is_log_normal = true,
       .up_down_sigma_device = 0.01,
       .w_max_sigma_device = 0.4295,
       .w_min_sigma_device = 0.599},
      {.name = "Capacitor",
       .source = "fit to Li et al., VLSI 2018, doi 10.1109/VLSIT.2018.8510648, in aihwkit",
       .law = PulseLaw::linear,
       .dw_min = 0.005,
       .gamma_up = 0.05,
       .gamma_down = 0.05,
       .step_sigma = 0.3,
       .noise_scales = false,
       .step_sigma_device = 0.1,
       .up_down_sigma_device = 0.06,
       .w_max_sigma_device = 0.07,
       .w_min_sigma_device = 0.07,
       .gamma_sigma_device = 0.01},
      {.name = "EcRam",
       .source = "fit to Tang et al., IEDM 2018, doi 10.1109/IEDM.2018.8614551, in aihwkit",
       .law = PulseLaw::linear,
       .dw_min = 0.002,
       .w_min = -0.8276,
       .w_max = 1.1724,
       .gamma_up = 0.1153,
       .gamma_down = 0.5085,
       .step_sigma = 0.3,
       .step_sigma_device = 0.1,
       .up_down_sigma_device = 0.01,
       .w_max_sigma_device = 0.05,
       .w_min_sigma_device = 0.05,
       .gamma_sigma_device = 0.05},
      {.name = "EcRamMO",
       .source = "fit to Kim et al., IEDM 2019, doi 10.1109/IEDM19573.2019.8993463, in aihwkit",
       .law = PulseLaw::linear,
       .dw_min = 2.8214e-4,
       .w_min = -0.8286,
       .w_max = 1.1714,
       .gamma_up = 0.4152,
       .gamma_down = 0.7342,
       .step_sigma = 2.0,
       .step_sigma_device = 0.1,
       .up_down_sigma_device = 0.01,
       .w_max_sigma_device = 0.05,
       .w_min_sigma_device = 0.05,
       .gamma_sigma_device = 0.05},
      {.name = "PCM",
       .source = "Ge2Sb2Te5, fit to Nandakumar et al., Front. Neurosci. 14 (2020) 406, in aihwkit; "
                 "pulses "
                 "only crystallise, a pulse down resets",
       .law = PulseLaw::exponential,
       .dw_min = 0.01,
       .w_min = 0,
       .w_max = 2,
       .gamma_up = 2.5,
       .gamma_down = 2.5,
       .a = -1,
       .b = 0,
       .a_up = -27.235,
       .a_down = -2.235,
       .step_sigma = 0.6,
       .step_sigma_device = 0.2,
       .up_down_sigma_device = 0.05,
       .w_max_sigma_device = 0.1},
      {.name = "GokmenVlasov",
       .source = kGokmen,
       .law = PulseLaw::constant,
       .dw_min = 0.0016,
       .step_sigma = 0.3,
       .step_sigma_device = 0.3,
       .up_down_sigma_device = 0.01,
       .w_max_sigma_device = 0.3,
       .w_min_sigma_device = 0.3},
      {.name = "Idealized",
       .source = kGokmen,
       .law = PulseLaw::constant,
       .dw_min = 0.0002,
       .step_sigma = 0.3,
       .step_sigma_device = 0.3,
       .w_max_sigma_device = 0.3,
       .w_min_sigma_device = 0.3},
      {.name = "PowStep_gamma2_example",
       .source =
           "a definition: the shifted power law of Fusi, Abbott, Nat. Neurosci. 10 (2007) 485",
       .law = PulseLaw::power,
       .dw_min = 0.002,
       .gamma_up = 2,
       .gamma_down = 2},
      {.name = "PiecewiseStep_example",
       .source = "a definition, to be changed",
       .law = PulseLaw::piecewise,
       .dw_min = 0.002,
       .nodes_up = {1.5, 1.0, 0.5},
       .nodes_down = {0.5, 1.0, 1.5}},
  };
  return models;
}

const PulseModel& pulse_model(std::string_view name) {
  std::string names;
  std::vector<std::string> all;
  for (const PulseModel& m : pulse_models()) {
    if (m.name == name) return m;
    names += (names.empty() ? "" : ", ") + std::string(m.name);
    all.emplace_back(m.name);
  }
  const std::string near = nearest(name, all);
  throw ConfigError("no pulse response '" + std::string(name) + "'" +
                    (near.empty() ? "" : " (did you mean '" + near + "'?)") + "; there are " +
                    names);
}

namespace {

/// The shape of the step at w, in units of dw of its direction.
double shape(const PulseModel& m, double w, bool up) {
  switch (m.law) {
    case PulseLaw::constant:
      return 1;
    case PulseLaw::linear:
      return up ? 1 - m.gamma_up * w / m.w_max : 1 - m.gamma_down * w / m.w_min;
    case PulseLaw::soft_bounds:
      return up ? 1 - w / m.w_max : 1 - w / m.w_min;
    case PulseLaw::exponential: {
      const double z = 2 * m.a * w / (m.w_max - m.w_min) + m.b;
      const double y = up ? 1 - m.a_up * elementary::exp(m.gamma_up * z)
                          : 1 - m.a_down * elementary::exp(-m.gamma_down * z);
      return std::max(y, 0.0);
    }
    case PulseLaw::power: {
      const double o = std::clamp((m.w_max - w) / (m.w_max - m.w_min), 0.0, 1.0);
      const double base = up ? o : 1 - o, gamma = up ? m.gamma_up : m.gamma_down;
      return base > 0 ? elementary::exp(gamma * elementary::log(base)) : 0.0;
    }
    case PulseLaw::piecewise: {
      const std::vector<double>& nodes = up ? m.nodes_up : m.nodes_down;
      const double at = std::clamp((w - m.w_min) / (m.w_max - m.w_min), 0.0, 1.0) *
                        static_cast<double>(nodes.size() - 1);
      const auto below = std::min(static_cast<std::size_t>(at), nodes.size() - 2);
      return nodes[below] + (at - static_cast<double>(below)) * (nodes[below + 1] - nodes[below]);
    }
  }
  return 0;
}

double signed_size(const PulseModel& m, bool up) {
  return up ? m.dw_min * std::fabs(m.gain + std::min(m.up_down, 0.0) + m.imbalance)
            : -m.dw_min * std::fabs(m.gain - std::max(m.up_down, 0.0) - m.imbalance);
}

}  // namespace

double mean_step(const PulseModel& m, double w, bool up) {
  return signed_size(m, up) * shape(m, w, up);
}

double after_pulse(const PulseModel& m, double w, bool up, double z) {
  const double relative = shape(m, w, up);
  const double noise = m.step_sigma * z * (m.noise_scales ? relative : 1.0);
  return std::clamp(w + signed_size(m, up) * (relative + noise), m.w_min, m.w_max);
}

PulseModel of_device(const PulseModel& m, const PulseDeviceNormals& z) {
  PulseModel device = m;
  const double deviation = m.step_sigma_device * z.step;
  device.gain = m.step_is_log_normal ? elementary::exp(deviation) : 1 + deviation;
  device.imbalance = m.up_down_sigma_device * z.up_down;
  device.w_max = std::fabs(m.w_max * (1 + m.w_max_sigma_device * z.w_max));
  device.w_min = -std::fabs(m.w_min * (1 + m.w_min_sigma_device * z.w_min));
  if (m.law == PulseLaw::linear) {
    // shape() divides by the device's bounds; the slope is one over the mean device's.
    const auto slope = [&](double gamma, double normal, double own, double mean) {
      return std::fabs(gamma + m.gamma_sigma_device * normal) * own / mean;
    };
    device.gamma_up = slope(m.gamma_up, z.gamma_up, device.w_max, m.w_max);
    device.gamma_down = slope(m.gamma_down, z.gamma_down, device.w_min, m.w_min);
  }
  device.step_sigma_device = device.up_down_sigma_device = device.gamma_sigma_device = 0;
  device.w_max_sigma_device = device.w_min_sigma_device = 0;
  return device;
}

}  // namespace ohmic::devices
